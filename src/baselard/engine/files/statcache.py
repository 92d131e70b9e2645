"""Remembers what host files held, so that an unchanged directory is known again without reading it.

A file counts as unchanged when inode, size, modification and change time are the remembered ones. As in git's
index, a file that changed shortly before it was read is not remembered: a later change might leave the same times.
"""

import hashlib
import os
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from baselard.engine.files import inside, treehash
from baselard.engine.store import host_content
from baselard.engine.store.database import Store

_RACY_NS = 2_000_000_000
_PAGE = 2_000
"""Files whose states are read, or written, at once."""
_STAMP = struct.Struct("<QQQqq")


class StatCache:
    """The memory of the files below one directory; ``content`` serves ``treehash.of_entries``.

    A state is a file's stamp followed by its identity. What is remembered comes and goes by the page, as the walk goes
    on, so that memory does not grow with the number of files. No file is read through a link.
    """

    def __init__(self, store: Store, directory: str, without: Iterable[str] = ()) -> None:
        """``directory`` is absolute and has no links in it. Nothing is asked of the directories ``without`` below it,
        none of which lies in another."""
        self._store = store
        root = directory.rstrip("/")
        self._known = _ReadAhead(store, f"{root}/", [f"{root}/{path}/" for path in without])
        self._learned: dict[bytes, bytes] = {}

    def content(self, path: str, info: os.stat_result) -> bytes:
        """The identity of the file at ``path`` (treehash.Content), read only if it changed."""
        stamp, stored = stamp_of(info), os.fsencode(path)
        known = self._known.taken(stored)
        if known.startswith(stamp):
            return known[len(stamp) :]
        identity = treehash.file_identity(path, info, inside.plain)
        if is_settled(max(info.st_mtime_ns, info.st_ctime_ns), time.time_ns()):
            self._learned[stored] = stamp + identity
            if len(self._learned) >= _PAGE:
                self.save(complete=False)
        return identity

    def save(self, *, complete: bool) -> None:
        """Remember what was learned; forget what was not seen if the walk was ``complete``, without a filter."""
        if self._learned:
            host_content.keep(self._store, self._learned, ())
            self._learned.clear()
        while complete and (gone := self._known.left()):
            host_content.keep(self._store, {}, gone)


class _ReadAhead:
    """The states below a directory, whose paths are asked for in about the order of their bytes.

    About: a walk comes to ``a/x`` before ``a-b``. What was passed and not asked for waits until it is.
    """

    def __init__(self, store: Store, directory: str, without: Iterable[str]) -> None:
        self._store = store
        self._ahead: dict[bytes, bytes] = {}
        left_out = sorted(map(os.fsencode, without))
        starts, ends = [os.fsencode(directory), *map(_behind, left_out)], [*left_out, _behind(os.fsencode(directory))]
        self._gaps = list(zip(starts, ends, strict=True))[::-1]

    def taken(self, path: bytes) -> bytes:
        """The state of a path, once; empty where none is remembered."""
        while path not in self._ahead and self._gaps and self._gaps[-1][0] <= path:
            self._go_on()
        return self._ahead.pop(path, b"")

    def left(self) -> Sequence[bytes]:
        """Some of the paths that were not taken, each once; none at the end."""
        while self._gaps and not self._ahead:
            self._go_on()
        left = list(self._ahead)
        self._ahead.clear()
        return left

    def _go_on(self) -> None:
        start, end = self._gaps.pop()
        page = host_content.between(self._store, start, end, _PAGE)
        self._ahead.update(page)
        if len(page) == _PAGE:
            self._gaps.append((page[-1][0] + b"\0", end))


def _behind(directory: bytes) -> bytes:
    """The first path that sorts behind all that begin with ``directory``, which ends in a slash."""
    return directory[:-1] + b"0"


@dataclass
class Stamps:
    """One digest for the stamps of many entries: each directory has one of its own, so that it can be kept."""

    kept: dict[str, bytes] = field(default_factory=dict)
    _running: "dict[str, hashlib._Hash]" = field(default_factory=dict)

    def add(self, path: str, stamp: bytes) -> None:
        """Count the next entry of the walk."""
        directory, _, name = path.rpartition("/")
        running = self._running.get(directory) or self._running.setdefault(directory, hashlib.sha256())
        running.update(os.fsencode(name) + b"\0" + stamp)

    def by_directory(self) -> dict[str, bytes]:
        """The digests of the directories that have entries, with those that were kept."""
        return self.kept | {directory: running.digest() for directory, running in self._running.items()}

    def digest(self) -> bytes:
        """The digest of all."""
        each = sorted(self.by_directory().items())
        return hashlib.sha256(b"".join(os.fsencode(directory) + b"\0" + own for directory, own in each)).digest()


def is_settled(changed: int, read: int) -> bool:
    """Whether what changed last at one time and was read at another (nanoseconds) shows a later change by its times."""
    return changed < read - _RACY_NS


def stamp_of(info: os.stat_result) -> bytes:
    """The numbers that tell one state of a file from another."""
    return _STAMP.pack(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
