"""Debian packages that are only unpacked: a program with its libraries takes seconds, a system to install it in half a
minute.

apt fetches them, so the archive's signature is what they are believed by.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.host import process
from baselard.engine.images import bootstrap, debian_mirror
from baselard.engine.images.debian_mirror import ARCHIVE
from baselard.oci.platforms import Platform
from baselard.oci.reference import Reference

HOST = "packages.debian.invalid"
"""A registry that there is not (RFC 2606): ``HOST/SUITE/NAME/NAME`` is the tree of these packages of this suite."""


@dataclass(frozen=True)
class DebianPackages:
    """Packages of a suite of the archive's main section, without what they depend on."""

    suite: str
    names: tuple[str, ...]
    platform: Platform

    def __str__(self) -> str:
        return f"{', '.join(self.names)} of debian {self.suite} ({self.platform})"


def asked_for(reference: Reference, platform: Platform) -> DebianPackages | None:
    """The packages that a reference means; None if it is any other image's."""
    if reference.registry != HOST:
        return None
    suite, *names = reference.repository.split("/")
    return DebianPackages(suite, tuple(names), platform)


def unpack(
    target: Path, work: Path, wanted: DebianPackages, *, on_output: Callable[[int, bytes], None] | None = None
) -> int:
    """Fill the empty directory ``target``; the archive's date (seconds since 1970) comes back. ``work`` is for apt.

    Raises HostError when the archive is not reached, UserError for a suite it does not have, ProcessError with apt's
    words for a package it does not have or whose signature does not hold.
    """
    archive = debian_mirror.stand_ins()[ARCHIVE]
    date = bootstrap.release_date(archive, wanted.suite)
    env = {**os.environ, "APT_CONFIG": str(_configured(work, wanted, archive)), "LC_ALL": "C.UTF-8"}
    downloads = work / "downloads"
    downloads.mkdir()
    process.run(["apt-get", "-qq", "update"], env=env, on_output=on_output)
    process.run(["apt-get", "-qq", "download", *wanted.names], cwd=downloads, env=env, on_output=on_output)
    for package in sorted(downloads.glob("*.deb")):
        process.run(["dpkg-deb", "--extract", package, target], on_output=on_output)
    return date


def _configured(work: Path, wanted: DebianPackages, archive: str) -> Path:
    """The configuration of an apt that knows this suite alone, and nothing of this machine's."""
    for name in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()
    keys = next((path for path in bootstrap.KEYRINGS if Path(path).exists()), "")
    signed = f"[signed-by={keys}] " if keys else ""
    (work / "etc/apt/sources.list").write_text(f"deb {signed}{archive} {wanted.suite} main\n")
    settings = {
        "Dir": work,
        "Dir::State::status": work / "status",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Architecture": wanted.platform.debian_architecture,
        "APT::Architectures": wanted.platform.debian_architecture,
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    path = work / "apt.conf"
    path.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
    return path
