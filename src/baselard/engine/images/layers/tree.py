"""A directory that is walked without trust: every step is opened below the last, links are followed by hand, inside."""

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import inside
from baselard.engine.files.inside import DIRECTORY, Names
from baselard.engine.store import stamps

_MOST_LINKS = 40  # as the kernel (path_resolution(7))
_HOSTILE = {
    errno.EXDEV: "its path leads through a link out of the root",
    errno.ELOOP: "its path goes through too many symbolic links",
}


@dataclass
class LayerTree:
    """The directory being filled. ``parent`` is kept open: entries of one directory follow each other."""

    root: int
    parent: int = -1
    parent_names: Names | None = None
    implied: set[Names] = field(default_factory=set)
    links: list[tuple[Names, Names]] = field(default_factory=list)
    whiteouts: set[Names] = field(default_factory=set)
    times: dict[Names, int] = field(default_factory=dict)

    @classmethod
    @contextlib.contextmanager
    def at(cls, root: Path) -> "Iterator[LayerTree]":
        tree = cls(os.open(root, DIRECTORY))
        try:
            yield tree
        finally:
            tree.forget_parent()
            os.close(tree.root)

    def forget_parent(self) -> None:
        if self.parent >= 0:
            os.close(self.parent)
        self.parent, self.parent_names = -1, None

    def open_parent(self, names: Names, *, make: bool = True) -> int:
        """A descriptor of the directory that ``names`` lies in; missing ones are made. Valid until the next call."""
        if names[:-1] != self.parent_names:
            self.forget_parent()
            self.parent = self._walk(names[:-1], make=make)
            self.parent_names = names[:-1]
        return self.parent

    def open_directory(self, names: Names) -> int:
        """A new descriptor of the directory ``names``, the caller's to close. Raises OSError if it is none."""
        return self._walk(names, make=False)

    def real(self, directory: int) -> Names:
        """Where an open directory of the tree is, links on the way to it resolved."""
        top, path = (os.readlink(b"/proc/self/fd/%d" % descriptor) for descriptor in (self.root, directory))
        return tuple(part for part in path.removeprefix(top).split(b"/") if part)

    def _walk(self, names: Names, *, make: bool) -> int:
        """Go down from the root, following links by hand; ``..`` in one may climb to the root but not above it."""
        try:
            missing = self._make if make else None
            place = inside.reach(self.root, names, most_links=_MOST_LINKS, climbing=False, missing=missing)
        except OSError as error:
            if error.errno in _HOSTILE:
                raise UserError(_HOSTILE[error.errno]) from None
            raise
        if not place.rest:
            return place.directory
        info = place.status()
        os.close(place.directory)
        if info:
            raise UserError(f"{shown(b'/'.join((*place.names, place.rest[0])))} is not a directory")
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def _make(self, parent: int, names: Names) -> None:
        os.mkdir(names[-1], 0o755, dir_fd=parent)
        self.implied.add(names)
        self.times[names] = stamps.FIXED

    def set_directory_times(self) -> None:
        """Last of all, since every file made in a directory changes its time."""
        for names, mtime in self.times.items():
            if not names:
                os.utime(self.root, ns=(mtime, mtime))
                continue
            with contextlib.suppress(FileNotFoundError):
                parent = self.open_parent(names, make=False)
                os.utime(names[-1], ns=(mtime, mtime), dir_fd=parent, follow_symlinks=False)


def shown(name: bytes) -> str:
    text = name.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 200 else text[:200] + "…")
