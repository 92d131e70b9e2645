"""Debian packages that are only unpacked: a program with its libraries takes seconds, a system to install it in half a
minute.

apt fetches the archive's index and believes it by its signature, then the packages by the digests that are in it. Its
own choice of packages is left out: to make up its mind about sixty thousand takes as long as all the rest.
"""

import mmap
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import ProcessError, UserError
from baselard.engine.host import process
from baselard.engine.images import bootstrap, debian_mirror
from baselard.engine.images.debian_mirror import ARCHIVE
from baselard.oci.platforms import Platform
from baselard.oci.reference import Reference

HOST = "packages.debian.invalid"
"""A registry that there is not (RFC 2606): ``HOST/SUITE/NAME/NAME`` is the tree of these packages of this suite."""

_FETCH = "/usr/lib/apt/apt-helper"


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

    Raises HostError when the archive is not reached, UserError for a suite or a package it does not have, ProcessError
    with apt's words when a signature or a digest does not hold.
    """
    archive = debian_mirror.stand_ins()[ARCHIVE]
    env = {**os.environ, "APT_CONFIG": str(_configured(work, wanted, archive)), "LC_ALL": "C.UTF-8"}
    try:
        process.run(["apt-get", "-qq", "update"], env=env, on_output=on_output)
    except ProcessError:
        bootstrap.release_date(archive, wanted.suite)  # which tells why, if it is not there
        raise
    files = [f"{number}.deb" for number, _ in enumerate(wanted.names)]
    asked = zip(_described(work / "lists", wanted), files, strict=True)
    words = [word for (path, digest), file in asked for word in (f"{archive}/{path}", file, f"SHA256:{digest}")]
    process.run([_FETCH, "-qq", "download-file", *words], cwd=work, env=env, on_output=on_output)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda file: process.run(["dpkg-deb", "--extract", work / file, target]), files))
    return bootstrap.date_of(next((work / "lists").glob("*Release")).read_text())


def _described(lists: Path, wanted: DebianPackages) -> Iterator[tuple[str, str]]:
    """The path and the SHA-256 of each package, by the index that apt has verified."""
    path = next(lists.glob("*_Packages"))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as index:
        for name in wanted.names:
            first = f"Package: {name}\n".encode()
            before = index.find(b"\n" + first)
            if before < 0 and index[: len(first)] != first:
                raise UserError(f"Debian's suite {wanted.suite} has no package {name} for {wanted.platform}")
            lines = index[before + 1 : index.find(b"\n\n", before + 1)].decode().splitlines()
            fields = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(" "))
            yield fields["Filename"], fields["SHA256"]


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
        "Acquire::CompressionTypes::Order::": "gz",  # read in a third of xz's time
        "APT::Update::Error-Mode": "any",
        "pkgCacheFile::Generate": "false",
    }
    path = work / "apt.conf"
    path.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
    return path
