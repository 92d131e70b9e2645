"""What can be read from a tree that is there. ``root`` is where the tree is seen; nothing leads out of it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from engine import paths
from engine.errors import UserError
from engine.objects.values import Stat
from engine.patterns import compile_patterns
from engine.walking import walk

_TYPES = {stat.S_IFREG: "REGULAR", stat.S_IFDIR: "DIRECTORY", stat.S_IFLNK: "SYMLINK"}
_EXPECTED = {"REGULAR_TYPE": stat.S_IFREG, "DIRECTORY_TYPE": stat.S_IFDIR, "SYMLINK_TYPE": stat.S_IFLNK}
_LARGEST_TEXT = 128 << 20
"""Bytes of a file whose contents are asked for as text; larger ones are exported."""


@dataclass(frozen=True)
class Reading:
    """Questions about what is at ``path`` (absolute) of the tree seen at ``root``."""

    root: Path
    path: str

    def below(self, path: str) -> "Reading":
        return Reading(self.root, paths.join(self.path, path))

    @property
    def mode(self) -> int:
        """``st_mode`` of what is there, links followed; 0 when nothing is."""
        return paths.mode(self._real)

    @property
    def _real(self) -> str:
        return paths.under(self.root, paths.resolve(self.root, self.path))

    def directory(self) -> str:
        """The real path of a directory. Raises UserError when there is none."""
        self._require()
        if not stat.S_ISDIR(self.mode):
            raise UserError(f"path {self.path} is a file, not a directory")
        return self._real

    def file(self) -> str:
        """The real path of a file. Raises UserError when there is none."""
        self._require()
        if stat.S_ISDIR(self.mode):
            raise UserError(f"path {self.path} is a directory, not a file")
        return self._real

    def _require(self) -> None:
        if not self.mode:
            raise UserError(f"{self.path}: no such file or directory")

    def entries(self) -> list[str]:
        """The names in a directory, sorted; those of directories end in a slash."""
        with os.scandir(self.directory()) as entries:
            return sorted(entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in entries)

    def glob(self, pattern: str) -> list[str]:
        """Paths in a directory that match (moby/patternmatcher, with ``**``); those of directories end in a slash."""
        patterns = compile_patterns([pattern])
        return [
            entry.path + "/" * stat.S_ISDIR(entry.info.st_mode)
            for entry in walk(self.directory())
            if patterns.match(entry.path, patterns.nothing)[0]
        ]

    def contents(self, offset: int = 0, limit: int | None = None) -> str:
        """A text file's contents, or its ``limit`` lines after the first ``offset``. Raises UserError if too large."""
        path = self.file()
        if os.stat(path).st_size > _LARGEST_TEXT:
            raise UserError(f"{self.path} has more than {_LARGEST_TEXT >> 20} MiB; export it instead")
        if not offset and limit is None:
            return Path(path).read_bytes().decode(errors="replace")
        with open(path, "rb") as file:
            last = None if limit is None else offset + limit
            return b"".join(islice(file, offset, last)).decode(errors="replace")

    def size(self) -> int:
        return os.stat(self.file()).st_size

    def stat(self, *, follow: bool = True) -> Stat:
        """What is there; with ``follow`` a link's target. Raises UserError when nothing is."""
        real = self._real if follow else paths.under(self.root, paths.resolve_parent(self.root, self.path))
        try:
            info = os.lstat(real)
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(f"stat {self.path}: no such file or directory") from None
        kind = _TYPES.get(stat.S_IFMT(info.st_mode), "UNKNOWN")
        return Stat(os.path.basename(self.path), kind, stat.S_IMODE(info.st_mode), info.st_size)

    def exists(self, expected: str = "", *, follow: bool = True) -> bool:
        """Whether anything, or something of the expected type (ExistsType), is there.

        A link is seen only when links are not followed, or when it is a link that is expected.
        """
        follow = follow and expected != "SYMLINK_TYPE"
        mode = self.mode if follow else paths.mode(paths.under(self.root, paths.resolve_parent(self.root, self.path)))
        return bool(mode) and (not expected or stat.S_IFMT(mode) == _EXPECTED[expected])

    def find_up(self, name: str, start: str) -> str | None:
        """The path of the nearest ``name`` in ``start`` or above it, no higher than this directory; None if none is."""
        for directory in _upwards(paths.clean(start)):
            candidate = os.path.join(directory, name)
            if self.below(candidate).mode:
                return candidate
        return None


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = os.path.dirname(path)
    yield ""
