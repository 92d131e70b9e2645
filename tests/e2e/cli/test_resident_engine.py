"""Calls with a resident engine: what they print, how they end and what they leave. Judge: the same without one."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.root

BASE = {
    "image/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
    "baselard.yaml": "bases:\n  - name: ghcr.io/acme/base\n    dockerfile: image/Dockerfile\n",
    "examples/one/Dockerfile": "FROM ghcr.io/acme/base\n",
}


class Machine:
    """Places of its own, and the command line run there with an engine or without."""

    def __init__(self, root: Path) -> None:
        self.root = root
        kept = {name: value for name, value in os.environ.items() if name not in ("BASELARD_NO_DAEMON", "CI")}
        places = {f"BASELARD_{name.upper()}": str(root / name) for name in ("store", "cache", "run")}
        self.environ = {**kept, **places}
        for name, text in BASE.items():
            (root / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "tree" / name).write_text(text)

    def argv(self, *words: str, engine: bool = True) -> list[str]:
        return [sys.executable, "-I", "-m", "baselard.cli", *(() if engine else ("--no-daemon",)), *words]

    def run(self, *words: str, engine: bool = True) -> tuple[int, bytes, bytes]:
        other = {} if engine else {"BASELARD_STORE": str(self.root / "alone")}  # one store would remember the answer
        line, environ = self.argv(*words, engine=engine), {**self.environ, **other}
        done = subprocess.run(line, env=environ, cwd=self.root / "tree", capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def processes(self, pattern: str) -> set[int]:
        """As procps knows them: of this machine's places alone."""
        found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False).stdout.split()
        place = os.fsencode(self.root)
        return {int(number) for number in found if place in _environ(number)}

    def engines(self) -> set[int]:
        return {number for number in self.processes("baselard.cli.resident ") if os.getsid(number) == number}


def _environ(number: str) -> bytes:
    with contextlib.suppress(OSError):
        return b"".join(Path(f"/proc/{number}/{name}").read_bytes() for name in ("environ", "cmdline"))
    return b""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="res-") as root:
        made = Machine(Path(root))
        yield made
        for number in made.engines():
            os.kill(number, signal.SIGKILL)


@pytest.mark.parametrize(
    "words",
    [
        ("call", "-q", "examples"),
        ("call", "-q", "tags", "--ref", "refs/tags/v1.2.3"),
        ("call", "-q", "-j", "plan"),
        ("call", "--help"),
        ("call", "-q", "tages"),
        ("call", "-q", "test-example", "--name", "none"),
        ("call", "-q", "base", "terminal"),
        ("check", "--list"),
        ("functions",),
        ("plan",),
        ("-C", "image", "plan"),
        ("-C", "nowhere", "plan"),
    ],
    ids=" ".join,
)
def test_it_prints_the_same_and_ends_alike(machine: Machine, words: tuple[str, ...]) -> None:
    assert machine.run(*words) == machine.run(*words, engine=False)
    (engine,) = machine.engines()
    assert not [
        path for path in Path(f"/proc/{engine}/fd").iterdir() if os.readlink(path).startswith(str(machine.root))
    ]


LOADED = """
import os, sys
from baselard.cli import resident
run = resident.prepare().command_line
known = {*sys.modules}
sys.argv[1:] = ["call", "-q", *sys.argv[1:]]
code = run(sys.argv[1:])
print(code, *sorted({*sys.modules} - known), file=sys.stderr, flush=True)
os._exit(0)  # as a fork ends
"""


@pytest.mark.parametrize("words", [("examples",), ("tags", "--ref", "refs/tags/v1.2.3")])
def test_a_fork_finds_all_loaded_that_a_call_needs(machine: Machine, words: tuple[str, ...]) -> None:
    """Judge: Python's own `sys.modules`, in a process that prepares as an engine does."""
    assert machine.run("functions")[0] == 0
    argv = [sys.executable, "-I", "-c", LOADED, *words]
    done = subprocess.run(argv, env=machine.environ, cwd=machine.root / "tree", capture_output=True, check=True)
    code, *loaded = done.stderr.decode().splitlines()[-1].split()
    assert (code, loaded) == ("0", [])


def test_an_engine_holds_no_store(machine: Machine) -> None:
    """A store is pruned and removed while it stays."""
    assert machine.run("call", "-q", "examples")[0] == 0
    assert machine.run("prune", "--all")[0] == 0
    assert machine.run("call", "-q", "examples") == machine.run("call", "-q", "examples", engine=False)


def test_ctrl_c_ends_what_the_call_began(machine: Machine, module: Path) -> None:
    argv = machine.argv("call", "-m", str(module), "--progress=plain", "run", "--command", "echo begun; sleep 60")
    before = machine.processes("runner.py")
    streams: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, env=machine.environ, **streams) as call:
        assert call.stderr
        while not (line := call.stderr.readline()).endswith(b" begun\n"):  # said by the command, which runs by then
            assert line
        call.send_signal(signal.SIGINT)
        call.stderr.read()
        assert call.wait() == 130
    assert machine.processes("runner.py") <= before | machine.processes("modules/runner.py")
    assert len(machine.engines()) == 1
    left = [path.name for path in (machine.root / "run").iterdir() if path.is_dir()]
    assert left == [f"resident-{os.geteuid()}"]
