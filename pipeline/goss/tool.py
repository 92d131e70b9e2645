"""goss as a directory that runs in any image: the program, its own loader and libc, and a static shell."""

from __future__ import annotations

from pathlib import Path

import dagger
from dagger import dag

from baselard.dockerfile.dagger import known as dagger_known
from baselard.oci import platforms

# Debian's goss is dynamically linked, and the image under test may have another libc or none. The packages are only
# unpacked, on this machine's own platform: nothing of a foreign one has to be emulated.
_COLLECT = """\
set -eu
own=$(dpkg --print-architecture)
wanted=${WANTED:-$own}
[ "$wanted" = "$own" ] || dpkg --add-architecture "$wanted"
apt-get update -qq
cd /tmp
apt-get download -qq -o APT::Sandbox::User=root "busybox-static:$wanted" "goss:$wanted" "libc6:$wanted"
for package in *.deb; do dpkg -x "$package" unpacked; done
mkdir -p /.goss/lib /.goss/bin
ln -s ../busybox /.goss/bin/sh
cp unpacked/usr/bin/goss /.goss/goss
cp "$(find unpacked -type f -path '*/bin/busybox')" /.goss/busybox
cp "$(find unpacked -type f -name 'ld*.so.*')" /.goss/ld.so
for name in libc.so.6 libresolv.so.2; do cp "$(find unpacked -type f -name "$name")" /.goss/lib/; done
chmod -R a+rX /.goss
"""


async def known(platform: str = "") -> dagger.Directory:
    """The tool directory, asked for once."""
    return await dagger_known.known(directory(platform))


def directory(platform: str = "") -> dagger.Directory:
    """The tool directory, to be mounted at `/.goss`: goss, lib/, ld.so, busybox, and the scripts beside this module."""
    tools = (
        dag.container()
        .from_("debian:trixie-slim")
        .with_env_variable("WANTED", _architecture(platform))
        .with_exec(["sh", "-c", _COLLECT])
        .directory("/.goss")
    )
    here = Path(__file__).parent
    for script in ("run.sh", "basic.sh", "find.sh"):
        tools = tools.with_new_file(script, (here / script).read_text(), permissions=0o755)
    return tools


def _architecture(platform: str) -> str:
    """Debian's name for a platform's architecture; empty for the engine's own."""
    return platforms.normal(*platform.split("/")).debian_architecture if "/" in platform else ""
