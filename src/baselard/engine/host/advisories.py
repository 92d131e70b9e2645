"""Advisories that concern programs the engine leans on: which installed version is repaired, and what repairs it.

A small table, of ADVISED's day: what leads out of a container, or runs something for whoever fetches a repository. The
distributions repair old versions, so a package of Debian counts by Debian's own numbers, another distribution's not at
all, and everything else by the numbers of those who make it.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.host import process

ADVISED = "2026-11-28"
"""The day of the table."""

Version = tuple[int, ...]


@dataclass(frozen=True)
class Advisory:
    """``repaired`` has the first good version of each line that was repaired, newest last; ``debian`` those by release.

    What is older than ``since``, or of a line that is not listed where only ``listed`` ones are known, is not judged.
    """

    name: str
    repaired: tuple[str, ...]
    debian: Mapping[str, str] = field(default_factory=dict)
    since: str = "0"
    listed: bool = False


@dataclass(frozen=True)
class Installed:
    """A program's version, and the Debian release whose package it is; ``release`` is empty for any other build."""

    version: str
    release: str = ""


TABLE: Mapping[str, tuple[Advisory, ...]] = {
    "runc": (
        Advisory("CVE-2024-21626", ("1.1.12",), {"12": "1.1.5+ds1-1+deb12u1", "13": "1.1.12+ds1-1"}),
        Advisory("CVE-2024-45310", ("1.1.14",), {"13": "1.1.15+ds1-1"}),
        Advisory("CVE-2025-31133", ("1.2.8", "1.3.3", "1.4.0"), {"13": "1.1.15+ds1-2+deb13u1"}),
        Advisory("CVE-2025-52565", ("1.2.8", "1.3.3", "1.4.0"), {"13": "1.1.15+ds1-2+deb13u1"}),
        Advisory("CVE-2025-52881", ("1.2.8", "1.3.3", "1.4.0")),
        Advisory("CVE-2026-41579", ("1.3.6", "1.4.3", "1.5.0"), {"13": "1.1.15+ds1-2+deb13u1"}),
    ),
    "crun": (Advisory("CVE-2026-47766", ("1.28",)),),
    "git": (
        Advisory(
            "CVE-2024-32002",
            ("2.39.4", "2.40.2", "2.41.1", "2.42.2", "2.43.4", "2.44.1", "2.45.1"),
            {"12": "1:2.39.5-0+deb12u1", "13": "1:2.45.1-1"},
        ),
        Advisory(
            "CVE-2025-48384",
            ("2.43.7", "2.44.4", "2.45.4", "2.46.4", "2.47.3", "2.48.2", "2.49.1", "2.50.1"),
            {"12": "1:2.39.5-0+deb12u3", "13": "1:2.47.3-0+deb13u1"},
        ),
    ),
    "kernel": (
        Advisory("CVE-2023-0386", ("5.15.91", "6.1.9", "6.2"), since="5.11", listed=True),
        Advisory("CVE-2024-1086", ("5.15.149", "6.1.76", "6.6.15", "6.7.3", "6.8"), listed=True),
        Advisory("CVE-2026-31431", ("6.12.85", "6.18.22", "6.19.12", "7.0"), listed=True),
    ),
}


def concerning(program: str, installed: Installed) -> list[Advisory]:
    """The advisories that an installed version is open to."""
    return [advisory for advisory in TABLE[program] if not _repaired(advisory, installed)]


def remedy(program: str, installed: Installed) -> str:
    """The version to upgrade to, which has no advisory of ``concerning``; Debian's own version as far as that goes."""
    open_to = concerning(program, installed)
    known = {version for advisory in open_to for version in advisory.repaired}
    good = [version for version in known if all(_repaired(advisory, Installed(version)) for advisory in open_to)]
    versions = f"{', '.join(sorted(good, key=_numbers))} or later"
    if not installed.release:
        return f"upgrade to {versions}"
    packaged = [advisory.debian[installed.release] for advisory in open_to if installed.release in advisory.debian]
    if len(packaged) == len(open_to):
        return f"apt-get install {program} brings {max(packaged, key=_numbers)}"
    some = f"repairs some by {max(packaged, key=_numbers)}" if packaged else "has repaired none of them"
    return f"Debian {installed.release} {some}; upgrade to {versions}"


def programs() -> Iterator[tuple[str, Installed]]:
    """The installed versions of the table's programs, and the kernel that runs, where their numbers can be judged."""
    release = _debian_release()
    for program in ("runc", "crun", "git"):
        if version := _program(program, release):
            yield program, version
    if version := kernel(os.uname()):
        yield "kernel", version


def kernel(uname: os.uname_result) -> Installed | None:
    """The kernel's number; Debian tells its own beside the release. None for one that a distribution repairs unseen."""
    if debian := re.search(r"\bDebian ([0-9.]+)", uname.version):
        return Installed(debian[1])
    number = re.match(r"[0-9]+\.[0-9]+\.([0-9]+)", uname.release)
    return Installed(number[0]) if number and number[1] != "0" else None


def _program(name: str, release: str) -> Installed | None:
    path = process.which(name)
    if not path:
        return None
    package = process.run(("dpkg-query", "--search", path), check=False) if process.which("dpkg-query") else None
    if package and not package.code:
        shown = process.run(("dpkg-query", "--show", "--showformat=${Version}", name), check=False)
        return Installed(shown.stdout.decode(), release) if release and not shown.code else None
    output = process.run((path, "--version"), check=False).stdout.decode(errors="replace")
    number = re.search(r"[0-9]+\.[0-9]+(\.[0-9]+)?", output)
    return Installed(number[0]) if number else None


def _debian_release() -> str:
    """Debian's release number here; empty elsewhere."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ""
    told = dict(line.partition("=")[::2] for line in lines)
    return told.get("VERSION_ID", "").strip('"') if told.get("ID") == "debian" else ""


def _repaired(advisory: Advisory, installed: Installed) -> bool:
    if installed.release:
        wanted = advisory.debian.get(installed.release)
        return (
            bool(wanted)
            and not process.run(("dpkg", "--compare-versions", installed.version, "ge", str(wanted)), check=False).code
        )
    version = _numbers(installed.version)
    lines = {_numbers(one)[:2]: _numbers(one) for one in advisory.repaired}
    if version < _numbers(advisory.since) or version[:2] > max(lines):
        return True
    if version[:2] in lines:
        return version >= lines[version[:2]]
    return advisory.listed


def _numbers(version: str) -> Version:
    return tuple(int(part) for part in re.findall(r"[0-9]{1,9}", version.partition(":")[2] or version))
