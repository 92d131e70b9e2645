"""Set-up: what is missing is named, offered or installed, and happens once.

The judges are lists of what was run: programs that stand in for apt-get, sudo, venv and pip.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from baselard.cli import bootstrap, main, setup
from baselard.engine.errors import HostError
from baselard.engine.host import checkout, packages, process
from baselard.engine.host.packages import Package


class Machine:
    """A machine whose programs are those in ``bin``; what they are called with is logged."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.bin.mkdir()
        self.log = root / "log"
        self.list = root / "list.txt"
        self.list.write_text("# a comment\nrunc runc\ntini tini-static|/nowhere\ngit git\n")

    def program(self, name: str, text: str = "") -> None:
        (self.bin / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{self.log}\n{text}\n')
        (self.bin / name).chmod(0o755)

    @property
    def ran(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(process, "which", lambda name: str(path) if (path := made.bin / name).exists() else None)
    monkeypatch.setenv("PATH", f"{made.bin}:/usr/bin:/bin")
    monkeypatch.setattr(packages, "missing", _missing_of(made))
    return made


def _missing_of(machine: Machine):
    real = packages.missing
    return lambda path=None: real(path or machine.list)


def _terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdin, "readline", lambda: answer, raising=False)


BY_HAND = "apt-get install --yes --no-install-recommends"
INSTALLED = ["apt-get -qq update", "apt-get -qq install --yes --no-install-recommends runc tini git"]


def test_the_list_is_read_and_any_sign_will_do(machine: Machine) -> None:
    assert [package.name for package in packages.missing()] == ["runc", "tini", "git"]
    machine.program("tini-static")
    assert [package.name for package in packages.missing()] == ["runc", "git"]


def test_the_engines_own_list_has_no_more_than_a_name_and_signs() -> None:
    known = packages.listed()
    assert packages.NEEDED in {package.name for package in known}
    assert all(package.signs for package in known)


def test_root_without_a_terminal_has_it_installed(machine: Machine, monkeypatch, capsys) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("apt-get")
    setup.require()
    assert machine.ran == INSTALLED
    assert "installing from the system's package archive: runc, tini, git" in capsys.readouterr().err


def test_a_user_without_a_terminal_is_told_the_command(machine: Machine, monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("apt-get")
    with pytest.raises(HostError, match="missing here: runc, tini, git; `baselard setup` installs it, by sudo"):
        setup.require()
    assert machine.ran == []


@pytest.mark.parametrize(
    ("answer", "agreed"), [("\n", True), ("y\n", True), ("n\n", False), ("", True), ("no\n", False)]
)
def test_on_a_terminal_it_is_offered(machine: Machine, monkeypatch, capsys, answer: str, agreed: bool) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("apt-get")
    _terminal(monkeypatch, answer)
    if agreed:
        setup.require()
    else:
        with pytest.raises(HostError, match="`baselard setup` installs it"):
            setup.require()
    assert (machine.ran == INSTALLED) is agreed
    assert "the engine needs what is missing here: runc, tini, git" in capsys.readouterr().err


def test_a_user_installs_by_sudo(machine: Machine, monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("apt-get")
    machine.program("sudo", 'shift 2; exec "$@"')
    assert setup.run() == 0
    assert [line for line in machine.ran if line.startswith("apt-get")] == INSTALLED


def test_without_root_and_sudo_it_says_so(machine: Machine, monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("apt-get")
    with pytest.raises(HostError, match=f"needs root or sudo, once: {BY_HAND} runc tini git"):
        setup.run()


def test_without_apt_it_names_what_to_install(machine: Machine, monkeypatch) -> None:
    monkeypatch.setattr(packages, "system_name", lambda: "Fedora Linux 43")
    with pytest.raises(
        HostError, match=r"runc \(in Debian: runc\), tini-static \(in Debian: tini\).*on Fedora Linux 43"
    ):
        setup.run()
    with pytest.raises(HostError, match="there is no apt-get to install it"):
        setup.require()
    machine.program("runc")
    setup.require()  # the others are missed when they are used


def test_offline_apts_own_words_are_told(machine: Machine, monkeypatch, capsys) -> None:
    """As a command line: exit code 2."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("apt-get", "echo 'Temporary failure resolving deb.debian.org' >&2; exit 100")
    assert main.main(["setup"]) == 2
    said = capsys.readouterr().err
    assert "apt-get could not update" in said and "Temporary failure resolving" in said


def test_where_nothing_is_missing_nothing_is_run(machine: Machine, capsys) -> None:
    for name in ("runc", "tini-static", "git"):
        machine.program(name)
    setup.require()
    assert setup.run() == 0
    assert (machine.ran, capsys.readouterr().out) == ([], "nothing is missing\n")


# --- a checkout's first use -------------------------------------------------------------------------------------------


@pytest.fixture
def first_use(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is run, where venv and pip are stood in for."""
    ran: list[str] = []

    def run(argv, **_):
        words = list(map(str, argv))
        if "venv" in words:
            (Path(words[-1]) / "bin").mkdir()
            site = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
            (Path(words[-1]) / site).mkdir(parents=True)
        ran.append("venv" if "venv" in words else " ".join(words[-2:]) if "-r" in words else words[0])
        return process.Completed(tuple(words), 0)

    monkeypatch.setattr(bootstrap.process, "run", run)
    monkeypatch.setattr(bootstrap.packages, "install", lambda wanted, note, **how: ran.append(packages.named(wanted)))
    return ran


def test_a_checkouts_first_use_installs_packages_and_the_lock(first_use: list[str], tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    bootstrap.set_up(venv, "engine", "stamp 1")
    assert first_use == ["runc, tini, git", "venv", f"-r {checkout.ROOT / 'locks/engine.txt'}"]
    (path,) = venv.glob("lib/*/site-packages/baselard.pth")
    assert path.read_text().split() == [str(checkout.ROOT / "src"), str(checkout.ROOT)]
    del first_use[:]
    bootstrap.set_up(venv, "engine", "stamp 1")
    assert first_use == []
    bootstrap.set_up(venv, "dev", "stamp 1")
    assert first_use[-1] == f"-r {checkout.ROOT / 'locks/dev.txt'}" and "venv" not in first_use
    bootstrap.set_up(venv, "engine", "stamp 2")
    assert "venv" in first_use


WANTED = [Package("umoci", ("umoci",)), Package("chromium-headless-shell", ("chromium",))]
LACKED = "not in this system's package archive, and left out: chromium-headless-shell\n"


@pytest.fixture
def ubuntu(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose archive has no chromium-headless-shell, as Ubuntu's."""
    machine.program("apt-get")
    machine.program("apt-cache", '[ "$2" != chromium-headless-shell ]')
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/archive_noble_universe_binary-amd64_Packages.lz4").touch()
    monkeypatch.setattr(packages, "_LISTS", tmp_path / "lists")
    return machine


def test_what_the_archive_lacks_is_left_out_of_what_tests_use(ubuntu: Machine, monkeypatch, capsys) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    packages.install(WANTED, setup.note, left_out=True)
    assert ubuntu.ran[-1] == "apt-get -qq install --yes --no-install-recommends umoci"
    assert LACKED in capsys.readouterr().err


@pytest.mark.parametrize("sudo", ["", "echo 'maker is not in the sudoers file' >&2; exit 1"])
def test_who_may_not_install_is_told_what_tests_use_and_goes_on(ubuntu: Machine, monkeypatch, capsys, sudo) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if sudo:
        ubuntu.program("sudo", sudo)
    packages.install(WANTED, setup.note, left_out=True)
    assert not [line for line in ubuntu.ran if line.startswith("apt-get")]
    told = f"baselard: needs root or sudo, once: {BY_HAND} umoci; what uses it is skipped until then\n"
    assert capsys.readouterr().err == f"baselard: {LACKED}{told}"
    with pytest.raises(HostError, match="needs root or sudo"):
        packages.install(WANTED, setup.note)


def test_a_system_without_lists_may_have_it_all(ubuntu: Machine, tmp_path: Path, monkeypatch, capsys) -> None:
    """As in an image whose lists were removed: apt-cache knows there what is installed, and nothing else."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    next((tmp_path / "lists").iterdir()).unlink()
    packages.install(WANTED, setup.note, left_out=True)
    assert f"{BY_HAND} umoci chromium-headless-shell; " in capsys.readouterr().err


def test_without_apt_what_tests_use_is_named_and_left_out(machine: Machine, capsys) -> None:
    packages.install(WANTED, setup.note, left_out=True)
    assert "chromium (in Debian: chromium-headless-shell)" in capsys.readouterr().err


def test_debian_keeps_what_an_environment_begins_with_in_a_package(first_use, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None)
    bootstrap.set_up(tmp_path / "venv", "engine", "stamp")
    assert first_use[0] == "python3-venv, runc, tini, git"


def test_the_pip_in_ensurepips_wheel_runs_as_it_is() -> None:
    """Judge: the pip itself, in an environment that holds none."""
    wheel = bootstrap._pip_wheel()
    assert wheel, "Debian's and upstream's ensurepip have one"
    argv = [sys.executable, "-I", "-S", "-c", bootstrap._IN_WHEEL, str(wheel), "--version"]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert told.startswith("pip ") and wheel.name in told


def test_the_systems_own_python_can_do_it() -> None:
    """Judge: a Python without site-packages, as that of a bare machine."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from baselard.cli import bootstrap, front, setup"
    python = os.path.realpath(sys.executable)
    subprocess.run([python, "-ISB", "-c", code, str(checkout.ROOT / "src")], check=True)
