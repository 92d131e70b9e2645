"""A directory that is walked without trust: every step is opened below the last, links are followed by hand, inside."""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import UserError

Names = tuple[bytes, ...]
"""A path below the root, by components."""

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40  # as the kernel (path_resolution(7))


@dataclass
class Tree:
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
    def at(cls, root: Path) -> "Iterator[Tree]":
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
        trail = [os.dup(self.root)]
        path: list[bytes] = []
        todo = list(reversed(names))
        links = 0
        try:
            while todo:
                name = todo.pop()
                if name == b"..":
                    if not path:
                        raise UserError("its path leads through a link out of the root")
                    os.close(trail.pop())
                    path.pop()
                elif (down := self._step(trail[-1], name, (*path, name), make=make)) is not None:
                    trail.append(down)
                    path.append(name)
                else:
                    links += 1
                    if links > _MOST_LINKS:
                        raise UserError("its path goes through too many symbolic links")
                    target = os.readlink(name, dir_fd=trail[-1])
                    if target.startswith(b"/"):
                        _close_all(trail[1:])
                        del trail[1:], path[:]
                    todo += [part for part in reversed(target.split(b"/")) if part not in (b"", b".")]
            return trail.pop()
        finally:
            _close_all(trail)

    def _step(self, parent: int, name: bytes, names: Names, *, make: bool) -> int | None:
        """Open one directory below ``parent``; None when it is a symbolic link."""
        try:
            return os.open(name, DIRECTORY, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
            os.mkdir(name, 0o755, dir_fd=parent)
            self.implied.add(names)
            return os.open(name, DIRECTORY, dir_fd=parent)
        except NotADirectoryError:
            if stat.S_ISLNK(os.lstat(name, dir_fd=parent).st_mode):
                return None
            raise UserError(f"{shown(b'/'.join(names))} is not a directory") from None

    def set_directory_times(self) -> None:
        """Last of all, since every file made in a directory changes its time."""
        for names, mtime in self.times.items():
            if not names:
                os.utime(self.root, ns=(mtime, mtime))
                continue
            with contextlib.suppress(FileNotFoundError):
                parent = self.open_parent(names, make=False)
                os.utime(names[-1], ns=(mtime, mtime), dir_fd=parent, follow_symlinks=False)


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def shown(name: bytes) -> str:
    text = name.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 200 else text[:200] + "…")
