"""A repository on a disk, as discovery reads it: a plan of it needs no engine.

Nothing in it is trusted: links that lead out of it, pipes and devices are no files, what may not be read is not there.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

_MOST = 16 << 20  # bytes that a Dockerfile or a configuration may have


@dataclass(frozen=True)
class DiskTree:
    """The tree below a directory, which is given as its real path."""

    root: Path

    async def glob(self, pattern: str) -> list[str]:
        """The paths that match; a directory's ends with a slash. No link is followed on the way."""
        *above, last = PurePosixPath(pattern).parts
        places = [""]
        for part in above:
            places = [f"{path}/" for parent in places for path in self._below(parent, part) if self._is_directory(path)]
        matching = [path for parent in places for path in self._below(parent, last)]
        return sorted(f"{path}/" if self._is_directory(path) else path for path in matching)

    async def text(self, path: str) -> str | None:
        """The content of a regular file in the tree."""
        try:
            real = (self.root / path).resolve(strict=True)
            if not real.is_relative_to(self.root):
                return None
            with os.fdopen(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return None
                return file.read(_MOST).decode(errors="replace")
        except (OSError, RuntimeError):  # the latter for links in a circle
            return None

    def _below(self, parent: str, part: str) -> list[str]:
        """The entries of a directory ("" or with a slash at its end) whose names match."""
        if not any(sign in part for sign in "*?["):
            return [f"{parent}{part}"] if os.path.lexists(self.root / f"{parent}{part}") else []
        try:
            names = os.listdir(self.root / parent)
        except OSError:
            return []
        return [f"{parent}{name}" for name in names if fnmatchcase(name, part) and _is_text(name)]

    def _is_directory(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(self.root / path).st_mode)
        except OSError:
            return False


def _is_text(name: str) -> bool:
    """Whether a name is UTF-8; no other can be written down in a configuration or a report."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
