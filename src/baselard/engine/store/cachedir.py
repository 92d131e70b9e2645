"""Directories that Baselard keeps for itself: its stores and caches, wherever somebody put them.

They are tagged, so that none is ever read as part of a source that it lies in, and backups can leave them out
(Cache Directory Tagging Specification, https://bford.info/cachedir/).
"""

import contextlib
import os
import tempfile
from pathlib import Path

from baselard.engine.errors import HostError

_NAME = "CACHEDIR.TAG"
_TEXT = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# Baselard keeps its own things here. It reads no directory with this file as part of a source.\n"
)


def tag(directory: Path) -> None:
    """Tag a directory that is there, on behalf of its owner. One that cannot be written stays as it is."""
    path = directory / _NAME
    with contextlib.suppress(OSError):
        if not path.exists():
            owner = directory.stat()
            path.write_bytes(_TEXT)
            os.chown(path, owner.st_uid, owner.st_gid)


def claim(directory: Path) -> None:
    """See that the directory is there, and tagged; where it cannot be made, it is not."""
    with contextlib.suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        tag(directory)


def require(directory: Path) -> None:
    """See that a directory of the user's cache is there, for something to be written. Raises HostError if it is another
    user's."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except PermissionError as error:
        raise HostError(f"{directory}: {error.strerror}: set BASELARD_CACHE to a directory of your own") from error


def is_tagged(directory: str) -> bool:
    """Whether a directory is one of ours."""
    try:
        descriptor = os.open(f"{directory}/{_NAME}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.read(descriptor, len(_TEXT)) == _TEXT
    except OSError:
        return False
    finally:
        os.close(descriptor)
