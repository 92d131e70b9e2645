"""What stands before the command. The judge is a program that stands in for dagger, and says how it was started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from baselard.cli import front, main
from baselard.engine.host import checkout

SAYS = '#!/bin/sh\n[ "$1" = version ] || { pwd; printf "%s|" "$@"; }\n'


class Machine:
    """A directory with programs, and the command line run with them alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "bin").mkdir()

    def program(self, name: str, text: str) -> None:
        (self.root / "bin" / name).write_text(text)
        (self.root / "bin" / name).chmod(0o755)

    def run(self, *argv: str, **env: str) -> "subprocess.CompletedProcess[str]":
        environ = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "HOME": str(self.root), "BASELARD_NO_DAEMON": "1", **env}
        command = [sys.executable, "-I", "-m", "baselard.cli", *argv]
        return subprocess.run(command, env=environ, cwd=self.root, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "dagger.json").write_text("{}")
    return Machine(tmp_path)


def test_another_directory_may_be_given_in_steps(machine: Machine) -> None:
    machine.program("dagger", SAYS)
    (machine.root / "a" / "b").mkdir(parents=True)
    for words in (["-C", f"{machine.root}/a/b"], ["-C", str(machine.root), "-C", "a/b"]):
        assert machine.run(*words, "--engine", "dagger", "call").stdout == f"{machine.root}/a/b\ncall|"
        assert machine.run("--engine=dagger", *words, "call").stdout == f"{machine.root}/a/b\ncall|"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-C"], "-C needs a value"),
        (["-C", "/nowhere/at/all", "call"], "-C /nowhere/at/all: there is no such directory"),
        (["--engine"], "--engine needs a value: embedded or dagger"),
        (["--engine=", "call"], "--engine needs a value: embedded or dagger"),
        (["--engine", "podman", "call"], "--engine podman: there is embedded and dagger"),
        (["--engine", "dagger", "call"], "there is no dagger in PATH; install the Dagger CLI 0.21 first"),
    ],
)
def test_a_mistake_is_wrong_use(machine: Machine, words: list[str], says: str) -> None:
    done = machine.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_another_engine_gets_the_same_words(machine: Machine) -> None:
    machine.program("dagger", SAYS)
    for words, env in ((["--engine", "dagger"], {}), (["--engine=dagger"], {}), ([], {"BASELARD_ENGINE": "dagger"})):
        assert machine.run(*words, "call", "a b", **env).stdout == f"{machine.root}\ncall|a b|"


def test_the_option_wins_over_the_variable(machine: Machine) -> None:
    assert machine.run("--engine", "embedded", "version", BASELARD_ENGINE="dagger").stdout.startswith("baselard v")


def test_where_there_is_no_module_another_engine_gets_our_own(machine: Machine) -> None:
    machine.program("dagger", SAYS)
    (machine.root / "dagger.json").unlink()
    own = f"call|-m|{checkout.MODULE}|--source|.|examples|"
    assert machine.run("--engine", "dagger", "call", "examples").stdout.splitlines()[1] == own
    named = machine.run("--engine", "dagger", "call", "--mod=x", "examples").stdout.splitlines()[1]
    assert named == "call|--mod=x|examples|"


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


def test_on_a_mac_it_says_what_does_the_same_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The platform is faked, as `sys.platform` has it there."""
    monkeypatch.setattr(front.sys, "platform", "darwin")
    assert main.main(["call", "test-examples"]) == 2
    said = capsys.readouterr().err
    assert "the embedded engine is for Linux, and this is macOS" in said
    assert "`baselard --engine dagger call test-examples`" in said
    assert main.main(["--help"]) == main.main(["version"]) == 0


def test_an_old_python_is_told_by_a_sentence(tmp_path: Path) -> None:
    """Where an installer did not look: pip and uv do."""
    old = next((path for path in _pythons() if path.exists()), None) or pytest.skip("there is no Python 3.10 here")
    code = "import sys; sys.path.insert(0, sys.argv[1]); from baselard.cli import entry; sys.exit(entry.main())"
    done = subprocess.run(
        [old, "-I", "-c", code, str(checkout.ROOT / "src")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Python 3.11 or later is needed" in done.stderr and "is 3.10" in done.stderr


def _pythons() -> list[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return [*sorted(pyenv.glob("versions/3.10.*/bin/python3.10")), Path("/usr/bin/python3.10")]
