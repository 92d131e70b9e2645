"""An answer of the suite: what a build adds to its base, small enough to be checked in."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

from tests.conformance.dockerfile.base_image import BASE, write_images
from tests.conformance.dockerfile.image_reader import difference, read_archive


@functools.cache
def base_files() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, Any] = read_archive(write_images(Path(folder))[BASE])["files"]
    return files


def compact(read: dict[str, Any]) -> dict[str, Any]:
    """Files as a difference from the base image; a case FROM scratch shows the whole base as missing: one word."""
    files = read["files"]
    if "bin/busybox" not in files:
        return {**read, "scratch": True}
    return {**read, "files": difference(files, base_files())}
