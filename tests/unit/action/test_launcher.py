"""The launcher: which environment, and that set-up happens once. What set-up does is tested with the command line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
PYTHON = """#!/bin/sh
# Stands in for Python: makes the "environment" that it is asked for, and says what it was asked to run.
case "$*" in
  *bootstrap*)
    shift 4
    echo "set up $2" >>"$LOG"
    [ -z "${FAILING:-}" ] || exit "$FAILING"
    mkdir -p "$1/bin" && cp "$0" "$1/bin/python"
    printf %s "$3" >"$1/.stamp-engine"
    printf %s "$3" >"$1/.stamp-$2" ;;
  *baselard.cli*) echo "run $*" ;;
esac
"""
TOOLS = ("sh", "cat", "cksum", "readlink", "mkdir", "cp", "tr")


class Machine:
    """A checkout with nothing but the launcher and the lists, on a machine with the programs it is given."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.log = root / "log"
        self.checkout = root / "checkout"
        self.bin.mkdir()
        lists = ("baselard", "locks/engine.txt", "locks/dev.txt", "src/baselard/engine/host/debian.txt")
        for name in lists:
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, self.checkout / name)
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name) or name)

    def python(self) -> None:
        (self.bin / "python3").write_text(PYTHON)
        (self.bin / "python3").chmod(0o755)

    def run(self, *argv: str, **env: str) -> "subprocess.CompletedProcess[str]":
        launcher = (self.checkout / "baselard").read_text().replace("in /usr/bin/python3 ", "in ")
        (self.checkout / "baselard").write_text(launcher)
        environ = {"PATH": str(self.bin), "HOME": str(self.root), "LOG": str(self.log), **env}
        command = [str(self.bin / "sh"), str(self.checkout / "baselard"), *argv]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_missing_python_is_said(machine: Machine) -> None:
    done = machine.run("version")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Python 3.11 or later is needed" in done.stderr


def test_set_up_happens_once_for_each_need(machine: Machine) -> None:
    machine.python()
    assert machine.run("call", "a b").stdout == "run -I -m baselard.cli call a b\n"
    assert machine.run("call", "a b").stdout == "run -I -m baselard.cli call a b\n"
    assert machine.log.read_text() == "set up engine\n"
    for _ in range(2):
        assert machine.run("test", "-q").stdout == "run -I -m baselard.cli test -q\n"
    assert machine.log.read_text() == "set up engine\nset up dev\n"


@pytest.mark.parametrize("name", ["locks/engine.txt", "src/baselard/engine/host/debian.txt"])
def test_another_list_is_another_environment(machine: Machine, name: str) -> None:
    machine.python()
    machine.run("version")
    with (machine.checkout / name).open("a") as listed:
        listed.write("# changed\n")
    machine.run("version")
    assert machine.log.read_text() == "set up engine\n" * 2


def test_a_set_up_that_fails_ends_it(machine: Machine) -> None:
    machine.python()
    done = machine.run("version", FAILING="2")
    assert (done.returncode, done.stdout) == (2, "")
    assert not (machine.checkout / ".venv").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_checkout_that_cannot_be_written_uses_the_cache(machine: Machine) -> None:
    machine.python()
    (machine.checkout / "baselard").chmod(0o755)
    machine.checkout.chmod(0o555)
    machine.run("version")
    assert list((machine.root / ".cache" / "baselard").glob("env-*/.stamp-engine"))
