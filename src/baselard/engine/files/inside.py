"""Works inside a tree that a program writes or has written: each step is opened in the one before, never by a path.

A program can rename a directory and put a link in its place at any time; what was looked up by a path leads elsewhere
then, out of the tree too. Descriptors stay what they are. Links, absolute ones too, lead inside the tree, as chroot(2)
would have them. ``baselard.engine.files.paths`` has the same rules for trees that nobody writes. Where nothing but the
end of a way is asked for, the kernel goes it (openat2(2)) if it can.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import bounded, openat2

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

Names = tuple[bytes, ...]
"""A path below the root, by components."""

Missing = Callable[[int, Names], None]
"""Makes the directory ``names``, whose last name is missing in the directory that the descriptor stands for."""


@dataclass(frozen=True)
class Reached:
    """Where a path leads. ``directory`` stands for the last directory on the way; ``names`` is that one's own path.

    ``rest`` is what lies beyond: nothing when the path is a directory; one name when it is something else in there, or
    nothing yet; more when directories are missing too, or something else stands in their place.
    """

    directory: int
    names: Names
    rest: Names

    def status(self) -> os.stat_result | None:
        """Of what the first name of ``rest`` is in the directory, a link itself; None when nothing is there."""
        try:
            return os.lstat(self.rest[0], dir_fd=self.directory)
        except FileNotFoundError:
            return None


def names_of(path: str | bytes) -> Names:
    """The components of a tree's path, ``..`` among them."""
    return tuple(name for name in os.fsencode(path).split(b"/") if name not in (b"", b"."))


def reach(
    root: int, names: Sequence[bytes], *, most_links: int = 255, climbing: bool = True, missing: Missing | None = None
) -> Reached:
    """Go down from the directory ``root``; ``Reached.directory`` is the caller's to close.

    ``..`` at the root stays there, and is EXDEV without ``climbing``. ``missing`` is called for each directory that is
    not there, to make it. Raises OSError, ELOOP for links in a circle.
    """
    walk = _Walk(root, os.dup(root), list(reversed(names)), most_links, climbing, missing)
    try:
        return walk.to_its_end()
    except BaseException:
        os.close(walk.here)
        raise


@dataclass
class _Walk:
    """A way down from ``root``: ``done`` leads to ``here``, ``todo`` is what is left, last name first."""

    root: int
    here: int
    todo: list[bytes]
    links: int
    climbing: bool
    missing: Missing | None
    done: list[bytes] = field(default_factory=list)

    def to_its_end(self) -> Reached:
        while self.todo:
            name = self.todo.pop()
            if name == b"..":
                self._up()
            elif not self._down(name) and not self._follow(name):
                rest = _without_parents((name, *reversed(self.todo)))
                if rest[:1] == [name]:
                    return Reached(self.here, tuple(self.done), tuple(rest))
                self.todo = rest[::-1]
        return Reached(self.here, tuple(self.done), ())

    def _up(self) -> None:
        if not (self.climbing or self.done):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        self.done = self.done[:-1]
        self._move(descend(self.root, self.done))

    def _down(self, name: bytes) -> bool:
        """Whether the name is a directory, and gone into."""
        try:
            below = os.open(name, DIRECTORY, dir_fd=self.here)
        except NotADirectoryError:
            return False
        except FileNotFoundError:
            if not self.missing:
                return False
            self.missing(self.here, (*self.done, name))
            below = os.open(name, DIRECTORY, dir_fd=self.here)
        self.done.append(name)
        self._move(below)
        return True

    def _follow(self, name: bytes) -> bool:
        """Whether the name is a link, and what it says to be done."""
        target = _link(self.here, name)
        if target is None:
            return False
        self.links -= 1
        if self.links < 0:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self.todo += names_of(target)[::-1]
        if target.startswith(b"/"):
            self.done = []
            self._move(os.dup(self.root))
        return True

    def _move(self, descriptor: int) -> None:
        os.close(self.here)
        self.here = descriptor


def descend(root: int, names: Sequence[bytes]) -> int:
    """A new descriptor of the directory ``names`` below ``root``, no link followed. Raises OSError if it is none."""
    here = os.dup(root)
    for name in names:
        try:
            below = os.open(name, DIRECTORY, dir_fd=here)
        finally:
            os.close(here)
        here = below
    return here


def found(root: int, path: str) -> int:
    """A descriptor (O_PATH) of what ``path`` leads to below the directory ``root``. Raises OSError for nothing."""
    place = openat2.opened(root, path, os.O_PATH, openat2.IN_ROOT)
    return _found_by_steps(root, path) if place is None else place


def _found_by_steps(root: int, path: str) -> int:
    place = reach(root, names_of(path))
    try:
        if not place.rest:
            return os.dup(place.directory)
        end = os.open(place.rest[0], _PLACE, dir_fd=place.directory)
    finally:
        os.close(place.directory)
    if place.rest[1:]:
        os.close(end)
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return end


def plain(path: str) -> int:
    """A descriptor to read the regular file at the absolute ``path``, none of whose parts may be a link.

    Raises OSError: ELOOP or ENOTDIR for a link on the way, ESTALE for what is no regular file.
    """
    reading = openat2.opened(openat2.HERE, path, _READING, openat2.NO_LINKS)
    if reading is None:
        reading = _plain_by_steps(path)
    if stat.S_ISREG(os.fstat(reading).st_mode):
        return reading
    os.close(reading)
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), path)


def _plain_by_steps(path: str) -> int:
    *parents, name = names_of(path)
    with opened("/", parents) as directory:
        return os.open(name, _READING, dir_fd=directory)


@contextlib.contextmanager
def opened(directory: str | Path | int, names: Sequence[bytes] = ()) -> Iterator[int]:
    """A descriptor of a directory, or of ``names`` below it, no link followed, inside the block."""
    root = os.dup(directory) if isinstance(directory, int) else os.open(directory, DIRECTORY)
    try:
        below = descend(root, names)
    finally:
        os.close(root)
    try:
        yield below
    finally:
        os.close(below)


@contextlib.contextmanager
def reached(root: str | Path | int, path: str) -> Iterator[Reached]:
    """Where the path ``path`` of the tree leads, inside the block. Raises UserError for links in a circle."""
    with opened(root) as top:
        try:
            place = reach(top, names_of(path))
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}") from error
        try:
            yield place
        finally:
            os.close(place.directory)


def read(root: str | Path, path: str) -> bytes | None:
    """The bytes of the small file at ``path`` of the tree, None when there is none.

    Raises UserError when it is no regular file, or too large.
    """
    with reached(root, path) as place:
        if len(place.rest) != 1 or place.status() is None:
            return None
        with _after_a_look(f"{path}: "):
            return bounded.read(place.rest[0], path, within=place.directory)


def file(root: str | Path, path: str) -> int:
    """A descriptor to read the file at ``path`` of the tree. Raises UserError when there is none."""
    with reached(root, path) as place:
        if len(place.rest) != 1 or place.status() is None:
            raise UserError(f"{path}: no such file")
        with _after_a_look(f"{path}: "):
            return bounded.opened(place.rest[0], path, within=place.directory)


@contextlib.contextmanager
def new_file(root: str | Path, path: str, owner: tuple[int, int], mode: int) -> Iterator[int]:
    """A descriptor to write the file at ``path`` of the tree, made if need be, emptied; ``owner`` is user and group.

    Raises UserError with the reason where no file can be, or something other than a file is.
    """
    with reached(root, path) as place:
        info = place.status() if place.rest else None
        if len(place.rest) > 1:
            raise UserError("there is no such directory")
        if not place.rest or (info and not stat.S_ISREG(info.st_mode)):
            raise UserError("it is not a regular file")
        with _after_a_look():
            made = os.open(place.rest[0], _NEW, 0o600, dir_fd=place.directory)
        try:
            if not stat.S_ISREG(os.fstat(made).st_mode):
                raise UserError("it is not a regular file")
            os.ftruncate(made, 0)
            os.fchmod(made, mode)
            os.fchown(made, *owner)
            yield made
        finally:
            os.close(made)


@contextlib.contextmanager
def _after_a_look(name: str = "") -> Iterator[None]:
    """A program may have changed what was looked at a moment ago: that is a sentence, no bug of ours."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{name}{error.strerror}") from error


def _link(here: int, name: bytes) -> bytes | None:
    """Where the link ``name`` leads; None when it is none, or nothing."""
    try:
        return os.readlink(name, dir_fd=here)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return None
        raise


def _without_parents(names: Sequence[bytes]) -> list[bytes]:
    """``names`` where each ``..`` takes the name before it along: what is not there can be no link."""
    found: list[bytes] = []
    for name in names:
        if name == b".." and found and found[-1] != b"..":
            found.pop()
        else:
            found.append(name)
    return found
