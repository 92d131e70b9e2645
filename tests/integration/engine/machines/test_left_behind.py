"""What engines leave on a machine: nothing, whatever ended them."""

import glob
import signal
import time
from pathlib import Path

import pytest

from tests.integration.engine.conftest import Client

pytestmark = pytest.mark.root
WIDTH = 10  # execs at once


@pytest.mark.parametrize("ending", ["gone", "interrupted", "killed"])
@pytest.mark.parametrize("execs", [20, pytest.param(500, marks=pytest.mark.full)])
def test_a_machine_is_as_before(machine, tree, execs, ending):
    machine.connect()
    before = machine.state()
    first = machine.engine()
    names = {path.name for path in first.run.iterdir() if path.is_dir()}
    image = first.container(tree)
    _serve(first, image)
    for start in range(0, execs, WIDTH):
        first.ask(_branches(image, range(start, start + WIDTH)))
    assert len(machine.state()["interfaces"]) - len(before["interfaces"]) <= WIDTH + 6
    _end(machine, first, ending)
    _eventually_none(names)
    deadline = time.monotonic() + 20
    while (after := machine.state()) != before:  # the kernel takes namespaces apart in its own time
        assert time.monotonic() < deadline, after
        time.sleep(0.02)
    assert [path.name for path in first.run.iterdir()] == ["all"]


def _serve(client: Client, image: tuple[str, str]) -> None:
    """Have a service up, and a command with all of root's rights beside it."""
    serve = 'withExposedPort(port:80){asService(args:["httpd","-f","-p","80","-h","/bin"]){id}}'
    web = client.value(*image, serve)
    bound = f'withServiceBinding(alias:"web",service:"{web}")'
    run = 'withExec(args:["wget","-qO","/dev/null","http://web/sh"],insecureRootCapabilities:true){exitCode}'
    assert client.value(*image, bound, run) == 0


def _branches(image: tuple[str, str], numbers: range) -> str:
    runs = " ".join(f'e{number}:withExec(args:["sh","-c",": {number}"]){{exitCode}}' for number in numbers)
    return "{" + "{".join((*image, runs)) + "}" * 3


def _end(machine, client: Client, ending: str) -> None:
    if ending == "killed":
        client.child.kill()
        client.child.wait(30)
        assert machine.engine().close() == 0  # the next start removes what is left
    elif ending == "interrupted":
        client.child.send_signal(signal.SIGINT)
        client.child.wait(60)
    assert client.close() == (-signal.SIGKILL if ending == "killed" else 0)


def _eventually_none(names: set[str]) -> None:
    """No process and no control group of these engines is left; the kernel takes a moment over the killed ones."""
    deadline = time.monotonic() + 20
    while found := [*_processes(names), *_groups(names)]:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def _processes(names: set[str]) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            texts = [(path / "cgroup").read_text(), (path / "cmdline").read_text(errors="replace")]
        except OSError:
            continue
        if any(name in text for name in names for text in texts):
            found.append(f"{path.name} {texts[1]}")
    return found


def _groups(names: set[str]) -> list[str]:
    """By a walk that others' groups may come and go in."""
    return [path for name in names for path in glob.glob(f"/sys/fs/cgroup/**/baselard-{name}*", recursive=True)]
