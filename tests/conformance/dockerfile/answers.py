"""An answer of the suite: what a build adds to its base, small enough to be checked in."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

from tests.conformance.dockerfile.base_image import BASE, write_images
from tests.conformance.dockerfile.image_reader import Row, difference, read_archive

BUSYBOX = "bin/busybox"
_WORD = "busybox's"


@functools.cache
def base_files() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, Any] = read_archive(write_images(Path(folder))[BASE])["files"]
    return files


def compact(read: dict[str, Any]) -> dict[str, Any]:
    """Files as a difference from the base image; a case FROM scratch shows the whole base as missing: one word."""
    files = _alike(read["files"])
    if BUSYBOX not in files:
        return {**read, "files": files, "scratch": True}
    return {**read, "files": difference(files, _alike(base_files()))}


def _alike(files: dict[str, Row]) -> dict[str, Row]:
    """The files, with a word for what busybox holds, which is another on another system."""
    held = base_files()[BUSYBOX][3]
    return {name: [*row[:3], _WORD, *row[4:]] if row[3] == held else row for name, row in files.items()}
