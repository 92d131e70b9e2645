"""Debian's packages as a directory: they are unpacked, and not installed."""

from __future__ import annotations

import os
from collections.abc import Sequence

import dagger
from dagger import dag

from baselard.oci import platforms

SUITE = "trixie"
_DOWNLOAD = """\
set -eu
own=$(dpkg --print-architecture)
wanted=${WANTED:-$own}
[ "$wanted" = "$own" ] || dpkg --add-architecture "$wanted"
apt-get update -qq
cd /tmp
scripted=$1
shift
for name; do set -- "$@" "$name:$wanted"; shift; done
apt-get download -qq -o APT::Sandbox::User=root $scripted "$@"
for package in *.deb; do dpkg -x "$package" /unpacked; done
"""


def unpacked(built: Sequence[str], scripted: Sequence[str], platform: str = "") -> dagger.Directory:
    """The files of packages that are `built` for a platform, and of those that are `scripted`, of no architecture."""
    if place := os.environ.get("BASELARD_PACKAGES", ""):
        return _by_address(f"{place}/{SUITE}/{'/'.join((*built, *scripted))}", platform)
    return (
        dag.container()
        .from_(f"debian:{SUITE}-slim")
        .with_env_variable("WANTED", _architecture(platform))
        .with_exec(["sh", "-c", _DOWNLOAD, "sh", " ".join(scripted), *built])
        .directory("/unpacked")
    )


def _by_address(address: str, platform: str) -> dagger.Directory:
    """From the embedded engine, which needs no Debian to unpack packages, and says under which address it does."""
    wanted = dagger.Platform(platform) if "/" in platform else None
    return dag.container(platform=wanted).from_(address).rootfs()


def _architecture(platform: str) -> str:
    """Debian's name for a platform's architecture; empty for the engine's own."""
    return platforms.normal(*platform.split("/")).debian_architecture if "/" in platform else ""
