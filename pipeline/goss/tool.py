"""goss as a directory that runs in any image: the program, its own loader and libc, and a static shell."""

from __future__ import annotations

import os
from pathlib import Path

import dagger
from dagger import dag

from baselard.dockerfile.dagger import known as dagger_known
from baselard.oci import platforms

# Debian's goss is dynamically linked, and the image under test may have another libc or none. The packages are only
# unpacked, on this machine's own platform: nothing of a foreign one has to be emulated.
PACKAGES = ("busybox-static", "goss", "libc6")
SCRIPTED = ("bats",)  # of no architecture
SUITE = "trixie"
SCRIPTS = (
    *("run.sh", "gossfiles.sh", "scripts.sh", "script.sh", "look.sh", "find.sh"),
    *("basic.sh", "basic-root.sh", "cases.sh"),
)
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
_PICK = """\
set -eu
mkdir -p /.goss/lib /.goss/bin /.goss/bats/lib /.goss/bats/bin
ln -s ../busybox /.goss/bin/sh
cd /unpacked
cp usr/bin/goss /.goss/goss
cp "$(find . -type f -path '*/bin/busybox')" /.goss/busybox
cp "$(find . -type f -name 'ld*.so.*')" /.goss/ld.so
for name in libc.so.6 libresolv.so.2; do cp "$(find . -type f -name "$name")" /.goss/lib/; done
cp usr/bin/bats /.goss/bats/bin/
cp -r usr/libexec /.goss/bats/
cp -r usr/lib/bats-core /.goss/bats/lib/
chmod -R a+rX /.goss
"""


async def known(platform: str = "") -> dagger.Directory:
    """The tool directory, asked for once."""
    return await dagger_known.known(directory(platform))


def directory(platform: str = "") -> dagger.Directory:
    """The tool directory, to be mounted at `/.goss`: goss, lib/, ld.so, busybox, bats/ and the scripts beside this."""
    place = os.environ.get("BASELARD_PACKAGES", "")
    collected = _unpacked(place, platform) if place else _downloaded(platform)
    tools = collected.directory("/.goss")
    here = Path(__file__).parent
    for script in SCRIPTS:
        tools = tools.with_new_file(script, (here / script).read_text(), permissions=0o755)
    return tools


def _unpacked(place: str, platform: str) -> dagger.Container:
    """By the embedded engine, which needs no Debian to unpack packages, and says under which address it does."""
    address = f"{place}/{SUITE}:{'_'.join((*PACKAGES, *SCRIPTED))}"
    own = dag.container().from_(address)
    wanted = dag.container(platform=dagger.Platform(platform)).from_(address) if "/" in platform else own
    return own.with_mounted_directory("/unpacked", wanted.rootfs()).with_exec(["/usr/bin/busybox", "sh", "-c", _PICK])


def _downloaded(platform: str) -> dagger.Container:
    """By any other engine, in a Debian."""
    return (
        dag.container()
        .from_(f"debian:{SUITE}-slim")
        .with_env_variable("WANTED", _architecture(platform))
        .with_exec(["sh", "-c", _DOWNLOAD, "sh", " ".join(SCRIPTED), *PACKAGES])
        .with_exec(["sh", "-c", _PICK])
    )


def _architecture(platform: str) -> str:
    """Debian's name for a platform's architecture; empty for the engine's own."""
    return platforms.normal(*platform.split("/")).debian_architecture if "/" in platform else ""
