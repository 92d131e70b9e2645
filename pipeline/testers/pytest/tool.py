"""Python with pytest and testinfra as a directory that runs in any image, by the loader and libc that goss has."""

from __future__ import annotations

from pathlib import Path

import dagger

from baselard.dockerfile.dagger import known as dagger_known
from pipeline.goss import packages

# Python's own libraries with what its interpreter is linked with; of the optional ones, that of ctypes.
PACKAGES = (
    *("python3.13-minimal", "libpython3.13-minimal", "libpython3.13-stdlib"),
    *("libexpat1", "libffi8", "zlib1g"),
)
SCRIPTED = ("python3-iniconfig", "python3-packaging", "python3-pluggy", "python3-pytest", "python3-testinfra")
INSIDE = "inside.py"


async def known(platform: str) -> dagger.Directory:
    """The tool directory, asked for once; to be mounted at `/.pytest`."""
    tree = packages.unpacked(PACKAGES, SCRIPTED, platform)
    return await dagger_known.known(tree.with_new_file(INSIDE, Path(__file__).with_name(INSIDE).read_text()))
