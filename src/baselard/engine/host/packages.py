"""The system's packages: which of them are missing here, and how they are installed."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import HostError, ProcessError
from baselard.engine.host import process

ENGINE = Path(__file__).with_name("debian.txt")
"""The list of what the engine uses."""

ROOTLESS = Path(__file__).with_name("rootless.txt")
"""The list of what it uses besides when a plain user runs it."""

NEEDED = "runc"
"""The one without which nothing runs; the others are missed when they are used."""

_INSTALL = ("install", "--yes", "--no-install-recommends")
_LISTS = Path("/var/lib/apt/lists")


@dataclass(frozen=True)
class Package:
    """A package by its Debian name; any of ``signs``, paths or commands, shows that it is there."""

    name: str
    signs: tuple[str, ...]

    @property
    def found(self) -> str:
        """The path of the first sign that is there; empty when none is."""
        return next(filter(None, map(_found, self.signs)), "")


def listed(path: Path = ENGINE) -> list[Package]:
    """The packages of a list, a line each: the name, and signs with ``|`` between."""
    lines = (line.split() for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return [Package(name, tuple(signs.split("|"))) for name, signs in lines]


def missing(path: Path = ENGINE) -> list[Package]:
    """Those of a list that are not here."""
    return [package for package in listed(path) if not package.found]


def named(packages: Sequence[Package]) -> str:
    """The packages in a sentence."""
    return ", ".join(package.name for package in packages)


def installable() -> bool:
    """Whether this system has Debian's package manager."""
    return process.which("apt-get") is not None


def install(packages: Sequence[Package], note: Callable[[str], None], *, left_out: bool = False) -> None:
    """Install them from the system's archive, by sudo where this is not root; ``note`` hears what is being done.

    With ``left_out`` nothing of it is required: ``note`` hears what the archive lacks, as Ubuntu lacks some that tests
    use, and what is only root's to install. Raises HostError: with what there is to install by hand where there is no
    apt-get, or nobody who may; or with apt-get's own words.
    """
    if not packages:
        return
    by_others = by_hand if not installable() else None if _may_install() else _by_root
    if by_others and not left_out:
        raise HostError(by_others(packages))
    if not by_others:
        note(f"installing from the system's package archive: {named(packages)}")
        _apt("update")
    chosen = _available(packages, note) if left_out and installable() else packages
    if by_others and chosen:
        note(f"{by_others(chosen)}; what uses it is skipped until then")
    elif chosen:
        _apt(*_INSTALL, *(package.name for package in chosen))


def _available(packages: Sequence[Package], note: Callable[[str], None]) -> Sequence[Package]:
    """Those that the archive has, so far as this system has its lists."""
    if not any(_LISTS.glob("*_Packages*")):
        return packages
    known = [one for one in packages if process.run(("apt-cache", "show", one.name), check=False).code == 0]
    if left := [one for one in packages if one not in known]:
        note(f"not in this system's package archive, and left out: {named(left)}")
    return known


def _may_install() -> bool:
    """Whether this is root, or sudo takes this user, who is asked for a password while there is a terminal."""
    if os.geteuid() == 0:
        return True
    if not (sudo := process.which("sudo")):
        return False
    if sys.stdin and sys.stdin.isatty():
        process.attach((sudo, "-v"), sys.stdin.fileno())
    return process.run((sudo, "-n", "--", "true"), check=False).code == 0


def _by_root(packages: Sequence[Package]) -> str:
    """The remedy for who is neither root nor may use sudo."""
    return f"needs root or sudo, once: apt-get {' '.join(_INSTALL)} {' '.join(package.name for package in packages)}"


def by_hand(packages: Sequence[Package]) -> str:
    """The remedy where there is no apt-get."""
    provides = ", ".join(f"{package.signs[0]} (in Debian: {package.name})" for package in packages)
    system = f"on {pretty} " if (pretty := system_name()) else ""
    return f"missing here, and there is no apt-get to install it: {provides}; {system}install what provides them"


def system_name() -> str:
    """The name of this system (os-release(5)); empty where it does not say."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return ""
    found = re.search(r"^PRETTY_NAME=[\"']?([^\"'\n]*)", text, re.MULTILINE)
    return found[1] if found else ""


def _found(sign: str) -> str:
    if sign.startswith("/"):
        return sign if os.path.exists(sign) else ""
    return process.which(sign) or ""


def _apt(*words: str) -> None:
    sudo = () if os.geteuid() == 0 else ("sudo", "-n", "--")
    try:
        process.run((*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", *words))
    except ProcessError as error:
        raise HostError(f"apt-get could not {words[0]}: {error}") from None
