"""A checkout's first use: the system's packages, and a virtual environment from the hashed lock.

The launcher runs this by the system's own Python, so that nothing but the standard library may be imported.
"""

import fcntl
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from baselard.cli import front, main, setup
from baselard.engine.errors import HostError, ProcessError
from baselard.engine.host import checkout, packages, process
from baselard.engine.host.packages import Package

_LOCKS = checkout.ROOT / "locks"


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
        process.run((sys.executable, "-I", "-m", "venv", venv))
        _install(venv, "engine")
        version = ".".join(map(str, sys.version_info[:2]))
        places = f"{checkout.ROOT / 'src'}\n{checkout.ROOT}\n"
        (venv / f"lib/python{version}/site-packages/baselard.pth").write_text(places)
    except (OSError, ProcessError) as error:
        raise HostError(f"the virtual environment {venv} could not be made: {error}") from None


def _install(venv: Path, lock: str) -> None:
    path = _LOCKS / f"{lock}.txt"
    setup.note(f"installing locks/{lock}.txt into {venv}")
    pip = ("-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
    process.run((venv / "bin/python", *pip, "--no-deps", "--require-hashes", "-r", path))


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for another launcher that is at it; the lock is held on a file that is always there."""
    descriptor = os.open(_LOCKS / "engine.txt", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
