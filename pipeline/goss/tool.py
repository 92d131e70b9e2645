"""goss as a directory that runs in any image: the program, its own loader and libc, and a static shell."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import dagger

from baselard.dockerfile.dagger import known as dagger_known
from pipeline.goss import packages

# Debian's goss is dynamically linked, and the image under test may have another libc or none.
PACKAGES = ("busybox-static", "goss", "libc6")
SCRIPTED = ("bats",)
LINKS = {"busybox": "usr/bin/busybox", "bin/sh": "../busybox", "bats": "usr"}
SCRIPTS = (
    *("goss", "run.sh", "gossfiles.sh", "watched.sh", "scripts.sh", "script.sh", "pytest.sh", "look.sh", "find.sh"),
    *("basic.sh", "basic-root.sh", "cases.sh"),
)

_PATIENCE = 1.0  # seconds in which a call that finds everything built is past its bases


async def known(platform: str = "") -> dagger.Directory:
    """The tool directory, asked for once."""
    return await dagger_known.known(directory(platform))


@contextlib.asynccontextmanager
async def ahead(tools: dagger.Directory) -> AsyncIterator[None]:
    """Have the tools made while a base is, which leaves processors idle, and not when all examples want them.

    What goes wrong is told by who uses them.
    """
    task = asyncio.create_task(_made(tools))
    try:
        yield
    finally:
        task.cancel()


async def _made(tools: dagger.Directory) -> None:
    await asyncio.sleep(_PATIENCE)
    with contextlib.suppress(Exception):
        await tools.sync()


def directory(platform: str = "") -> dagger.Directory:
    """The tool directory, to be mounted at `/.goss`: packages' files, short names for some, and the scripts here.

    `out` is where the report is written when it is mounted at `/.goss-run` as well.
    """
    tools = packages.unpacked(PACKAGES, SCRIPTED, platform)
    for name, target in LINKS.items():
        tools = tools.with_symlink(target, name)
    tools = tools.with_new_directory("out", permissions=0o777)
    here = Path(__file__).parent
    for script in SCRIPTS:
        tools = tools.with_new_file(script, (here / script).read_text(), permissions=0o755)
    return tools
