"""Installs programs into a Debian, in one step that leaves them alone there: a cache that travels carries them.

Lists of packages and a Python that only installs would be more than half of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_LOCKS = Path(__file__).with_name("locks")
_FORGET = "rm -rf /var/lib/apt/lists/* /var/cache/apt/*"


def install(*packages: str) -> str:
    """The command that installs Debian's packages."""
    return f"{_installed(packages)} && {_FORGET}"


def install_locked(lock: str, packages: Sequence[str]) -> str:
    """The command that installs Debian's packages, and for its Python what is in locks/LOCK.txt, by hashes."""
    installed, pip = _installed(["python3-pip", *packages]), _pip(lock, "--break-system-packages")
    return f"{installed} && {pip} && {_FORGET}\n{_read(lock)}"


def install_wheels(lock: str, programs: Sequence[str], packages: Sequence[str] = ()) -> str:
    """The command that takes programs out of the wheels in locks/LOCK.txt, which need no Python.

    ``programs`` are paths in these.
    """
    paths = " ".join(f"/wheels/{name}" for name in programs)
    steps = " && ".join(
        (
            _installed(["python3-pip", *packages]),
            _pip(lock, "--target=/wheels"),
            f"mv {paths} /usr/local/bin",
            "apt-get purge -y -qq --autoremove python3-pip >/dev/null",
            f"{_FORGET} /wheels",
        )
    )
    return f"{steps}\n{_read(lock)}"


def _pip(lock: str, where: str) -> str:
    """pip's own part; the lines below the command are what it reads."""
    how = f"--quiet --no-cache-dir --root-user-action=ignore {where} --require-hashes"
    return f"pip install {how} -r /dev/stdin <<'{lock}'"


def _read(lock: str) -> str:
    return f"{(_LOCKS / f'{lock}.txt').read_text()}{lock}\n"


def _installed(packages: Sequence[str]) -> str:
    return f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {' '.join(packages)} >/dev/null"
