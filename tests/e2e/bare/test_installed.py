"""Installed by pipx on a machine that has nothing else, in a repository of somebody else's: two commands, and green."""

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import alone

pytestmark = [alone.MACHINES, pytest.mark.network, pytest.mark.full]

SUITES = {"bookworm": "the checkout", "trixie": "a wheel", "noble": "a git URL"}
HOME = "/home/stranger/Images"
REPOSITORY = {
    "image/Dockerfile": "FROM debian:trixie-slim\nRUN echo hello >/etc/greeting\n",
    "examples/greeter/Dockerfile": "FROM ghcr.io/acme/base:latest\nCMD cat /etc/greeting\n",
    "examples/greeter/goss.yaml": "file:\n  /etc/greeting: {exists: true, contents: [hello]}\n",
}


@pytest.fixture
def git_url(tree: Path, tmp_path: Path) -> Iterator[str]:
    """The tree as a repository on loopback, as files: git's dumb protocol needs no more of a server."""
    place = tmp_path / "baselard.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", "--no-local", tree, place], check=True)
    subprocess.run(["git", "-C", place, "update-server-info"], check=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"git+http://127.0.0.1:{server.server_port}/baselard.git"
        server.shutdown()


@pytest.fixture(params=SUITES)
def machine(request, bootstrapped, wheel: Path, git_url: str):
    """A bare system with pipx, what it is to install, and the repository."""
    made = bootstrapped(request.param, "pipx,git")
    match SUITES[request.param]:
        case "a wheel":
            shutil.copy(wheel, made)
            made.joinpath("what").write_text(f"/{wheel.name}")
        case "a git URL":
            made.joinpath("what").write_text(git_url)
        case _:
            made.joinpath("what").write_text("/checkout")
    for name, text in REPOSITORY.items():
        path = made / HOME[1:] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return made


def test_two_commands_after_the_installation_end_green(machine: Path, run) -> None:
    done = run(machine, "pipx", "install", (machine / "what").read_text())
    assert done.returncode == 0, done.stdout + done.stderr
    wrote = run(machine, "sh", "-c", f"cd {HOME} && /root/.local/bin/baselard init --yes")
    assert wrote.returncode == 0, wrote.stderr
    assert "name: ghcr.io/acme/base" in (machine / HOME[1:] / "baselard.yaml").read_text()
    tested = run(machine, "sh", "-c", f"cd {HOME} && /root/.local/bin/baselard call test-examples")
    assert tested.returncode == 0, tested.stderr[-5000:]
    assert "installing from the system's package archive: " in tested.stderr
    assert "all 2 passed" in tested.stdout
