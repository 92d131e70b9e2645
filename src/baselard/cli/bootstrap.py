"""A checkout's first use: the system's packages, and a virtual environment from the hashed lock.

The launcher runs this by the system's own Python, so that nothing but the standard library may be imported.
"""

import fcntl
import importlib
import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from baselard.cli import front, main, setup
from baselard.engine.errors import HostError, ProcessError
from baselard.engine.host import checkout, packages, process
from baselard.engine.host.packages import Package

_LOCKS = checkout.ROOT / "locks"
_IN_WHEEL = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('pip', run_name='__main__')"


def run(argv: Sequence[str]) -> int:
    """``VENV NEED STAMP LINE…``: have VENV hold what NEED (engine or dev) names, and STAMP say so; the exit code."""
    return main.guarded(_run, argv)


def _run(argv: Sequence[str]) -> int:
    venv, need, stamp, *line = argv
    front.passed(line)  # another engine needs none of this, and gets the line at once
    with _alone():
        set_up(Path(venv), need, stamp)
    return 0


def set_up(venv: Path, need: str, stamp: str) -> None:
    """Do what is not done yet. Raises HostError."""
    if not _done(venv, "engine", stamp):
        packages.install([*_for_venv(), *packages.missing()], setup.note)
        _make(venv)
        (venv / ".stamp-engine").write_text(stamp)
    if not _done(venv, need, stamp):
        packages.install(packages.missing(_LOCKS / "debian-dev.txt"), setup.note, left_out=True)
        _install(venv, need)
        (venv / f".stamp-{need}").write_text(stamp)


def _done(venv: Path, what: str, stamp: str) -> bool:
    place = venv / f".stamp-{what}"
    return place.is_file() and place.read_text().strip() == stamp


def _for_venv() -> list[Package]:
    """Debian keeps what a virtual environment begins with in a package of its own."""
    return [] if importlib.util.find_spec("ensurepip") else [Package("python3-venv", ("ensurepip",))]


def _make(venv: Path) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    try:
        venv.mkdir(parents=True)
        wheel = _pip_wheel()
        process.run((sys.executable, "-I", "-m", "venv", *(["--without-pip"] if wheel else []), venv))
        _install(venv, "engine", wheel)
        version = ".".join(map(str, sys.version_info[:2]))
        places = f"{checkout.ROOT / 'src'}\n{checkout.ROOT}\n"
        (venv / f"lib/python{version}/site-packages/baselard.pth").write_text(places)
    except (OSError, ProcessError) as error:
        raise HostError(f"the virtual environment {venv} could not be made: {error}") from None


def _install(venv: Path, lock: str, wheel: Path | None = None) -> None:
    path = _LOCKS / f"{lock}.txt"
    setup.note(f"installing locks/{lock}.txt into {venv}")
    pip = ("-c", _IN_WHEEL, wheel) if wheel else ("-m", "pip")
    how = ("install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes")
    process.run((venv / "bin/python", "-I", *pip, *how, "-r", path))


def _pip_wheel() -> Path | None:
    """The pip that ensurepip would install, for a lock that brings another; None where it has it in no such file."""
    importlib.invalidate_caches()  # it may have been installed just now
    spec = importlib.util.find_spec("ensurepip")
    own = Path(spec.origin).parent / "_bundled" if spec and spec.origin else None
    places = [Path(place) for place in (sysconfig.get_config_var("WHEEL_PKG_DIR"), own) if place]
    return next((wheel for place in places for wheel in sorted(place.glob("pip-*.whl"))), None)


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for another launcher that is at it; the lock is held on a file that is always there."""
    descriptor = os.open(_LOCKS / "engine.txt", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
