"""The launcher: which engine, what is missing, and that set-up happens once."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
PYTHON = """#!/bin/sh
# Stands in for Python: makes "environments", installs "locks", and says what it was asked to run.
case "$*" in
  *"-m venv"*) mkdir -p "$3/bin" "$3/site" && cp "$0" "$3/bin/python" && echo venv >>"$LOG" ;;
  *"-m pip install"*) case "$*" in *--require-hashes*) echo "pip ${*##*/}" >>"$LOG" ;; esac ;;
  *sysconfig*) echo "$(dirname "$0")/../site" ;;
  *baselard.cli*) echo "run $*" ;;
esac
"""
TOOLS = ("sh", "cat", "cksum", "readlink", "dirname", "id", "mkdir", "rm", "cp", "flock", "tr", "env", "uname")


class Machine:
    """A checkout with nothing but the launcher and the locks, on a machine with the programs it is given."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.log = root / "log"
        self.bin.mkdir()
        (root / "checkout").mkdir()
        shutil.copy(CHECKOUT / "baselard", root / "checkout" / "baselard")
        shutil.copytree(CHECKOUT / "locks", root / "checkout" / "locks")
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name) or name)

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(self, *argv: str, **env: str) -> "subprocess.CompletedProcess[str]":
        launcher = (self.root / "checkout" / "baselard").read_text()
        launcher = launcher.replace("PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin", "").replace(
            "in /usr/bin/python3 ", "in "
        )
        (self.root / "checkout" / "baselard").write_text(launcher)
        environ = {"PATH": str(self.bin), "HOME": str(self.root), "LOG": str(self.log), **env}
        command = [str(self.bin / "sh"), str(self.root / "checkout" / "baselard"), *argv]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_another_directory_to_work_in_comes_first_and_may_be_given_in_steps(machine: Machine) -> None:
    machine.program("dagger", "#!/bin/sh\npwd\n")
    (machine.root / "a" / "b").mkdir(parents=True)
    for words in (["-C", f"{machine.root}/a/b"], ["-C", str(machine.root), "-C", "a/b"]):
        assert machine.run(*words, "--engine", "dagger", "call").stdout == f"{machine.root}/a/b\n"
        assert machine.run("--engine=dagger", *words, "call").stdout == f"{machine.root}/a/b\n"


@pytest.mark.parametrize("words", [["-C"], ["-C", "/nowhere/at/all", "call"]])
def test_a_directory_that_is_not_there_is_wrong_use(machine: Machine, words: list[str]) -> None:
    done = machine.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("baselard: -C ")


def test_another_engine_gets_the_same_words(machine: Machine) -> None:
    machine.program("dagger", '#!/bin/sh\nprintf "%s|" "$@"\n')
    for words, env in ((["--engine", "dagger"], {}), (["--engine=dagger"], {}), ([], {"BASELARD_ENGINE": "dagger"})):
        assert machine.run(*words, "call", "a b", **env).stdout == "call|a b|"


@pytest.mark.parametrize(
    ("version", "told"), [("v0.21.8", False), ("v0.21.11", False), ("v0.20.3", True), ("v1.0.0-beta.2", True)]
)
def test_an_engine_of_another_version_is_told(machine: Machine, version: str, told: bool) -> None:
    machine.program("dagger", f'#!/bin/sh\n[ "$1" = version ] && echo "dagger {version} (x) linux/amd64" || echo ran\n')
    done = machine.run("--engine", "dagger", "call")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert (f"the dagger in PATH is {version}" in done.stderr) == told


def test_an_address_without_an_engine_is_told_at_once(machine: Machine) -> None:
    machine.program("dagger", "#!/bin/sh\nexit 1\n")
    nowhere = f"unix://{machine.root}/none.sock"
    done = machine.run("--engine", "dagger", "call", _EXPERIMENTAL_DAGGER_RUNNER_HOST=nowhere)
    assert done.returncode == 2
    assert f"there is no engine at _EXPERIMENTAL_DAGGER_RUNNER_HOST={nowhere}: start it" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--engine", "dagger"], "there is no dagger in PATH"),
        (["--engine", "podman"], "there is embedded and dagger"),
        (["version"], "Python 3.11 or later is needed"),
    ],
)
def test_what_is_missing_is_said(machine: Machine, words: list[str], says: str) -> None:
    done = machine.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_without_apt_the_missing_packages_are_named(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    machine.program("dagger", "#!/bin/sh\n")
    done = machine.run("version")
    assert done.returncode == 2
    assert "no apt-get to install it:" in done.stderr and " mmdebstrap" in done.stderr
    assert "--engine dagger hands the same command line to it" in done.stderr


def test_set_up_installs_what_is_missing_and_happens_once(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    machine.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.program("apt-get", '#!/bin/sh\necho "apt $*" >>"$LOG"\n')
    machine.program("apt-cache", '#!/bin/sh\n[ "$2" != chromium-headless-shell ]\n')  # as Ubuntu's archive
    done = machine.run("call", "a b")
    assert done.stdout.endswith("-I -m baselard.cli call a b\n"), done.stderr
    first = machine.log.read_text().splitlines()
    assert first[0].endswith("update") and " install " in first[1] and " mmdebstrap" in first[1]
    assert first[2:] == ["venv", "pip engine.txt"]
    again = machine.run("call", "a b")
    assert again.stdout == done.stdout and again.stderr == ""
    assert machine.log.read_text().splitlines() == first
    tested = machine.run("test")
    added = machine.log.read_text().splitlines()[len(first) :]
    assert " docker-registry" in added[1] and added[2:] == ["pip dev.txt"]
    assert "chromium" not in added[1]
    assert "not in this system's package archive, and left out: chromium-headless-shell" in tested.stderr


def test_of_several_programs_that_will_do_one_is_enough(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    machine.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.program("apt-get", '#!/bin/sh\necho "apt $*" >>"$LOG"\n')
    machine.program("apt-cache", "#!/bin/sh\n")
    machine.program("google-chrome", "#!/bin/sh\n")
    machine.run("test")
    assert " umoci" in machine.log.read_text() and "chromium" not in machine.log.read_text()


def test_another_lock_is_another_environment(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    machine.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.program("apt-get", "#!/bin/sh\n")
    machine.run("version")
    with (machine.root / "checkout" / "locks" / "engine.txt").open("a") as lock:
        lock.write("# changed\n")
    machine.run("version")
    assert machine.log.read_text().splitlines() == ["venv", "pip engine.txt", "venv", "pip engine.txt"]


def test_a_failing_package_manager_is_quoted(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    machine.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.program("apt-get", "#!/bin/sh\necho its reason\nexit 100\n")
    done = machine.run("version")
    assert (done.returncode, "its reason" in done.stderr) == (2, True)
    assert not (machine.root / "checkout" / ".venv" / ".stamp-engine").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_checkout_that_cannot_be_written_uses_the_cache(machine: Machine) -> None:
    machine.program("python3", PYTHON)
    machine.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.program("apt-get", "#!/bin/sh\n")
    (machine.root / "checkout").chmod(0o555)
    machine.run("version")
    assert list((machine.root / ".cache" / "baselard").glob("env-*/.stamp-engine"))
