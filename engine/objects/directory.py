"""Directories and files: an output of a node and a path in its tree."""

import posixpath
from dataclasses import dataclass

from engine import paths
from engine.graph import Output


@dataclass(frozen=True)
class Directory:
    """The directory at ``path`` (absolute, clean) of what ``output`` makes."""

    output: Output
    path: str = "/"

    def inside(self, path: str) -> str:
        """The tree's path of ``path`` in this directory. Raises UserError when it climbs out of it."""
        return posixpath.join(self.path, paths.clean(path)).rstrip("/") or "/"

    def directory(self, path: str) -> "Directory":
        return Directory(self.output, self.inside(path))

    def file(self, path: str) -> "File":
        return File(self.output, self.inside(path))

    @property
    def name(self) -> str:
        """The last part of the path; ``/`` for a tree's root."""
        return posixpath.basename(self.path) or "/"


@dataclass(frozen=True)
class File:
    """The file at ``path`` (absolute, clean) of what ``output`` makes."""

    output: Output
    path: str

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)
