"""Remembers what host files held, so that an unchanged directory is known again without reading it.

A file counts as unchanged when inode, size, modification and change time are the remembered ones. As in git's
index, a file that changed shortly before it was read is not remembered: a later change might leave the same times.
"""

import hashlib
import os
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from baselard.engine.files import inside, treehash
from baselard.engine.store import host_content
from baselard.engine.store.database import Store

_RACY_NS = 2_000_000_000
_STAMP = struct.Struct("<QQQqq")


@dataclass
class StatCache:
    """The memory of the files below one directory; ``content`` serves ``treehash.of_entries``.

    A state is a file's stamp followed by its identity. ``known`` loses what was asked for: what is left at the end was
    not seen. Paths are relative to ``directory``: 10^5 files take some 20 MB. No file is read through a link.
    """

    store: Store
    directory: str
    known: dict[str, bytes]
    learned: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def below(cls, store: Store, directory: str, without: Iterable[str] = ()) -> "StatCache":
        """Load what is remembered of ``directory`` (an absolute path without links), but not of the directories
        ``without`` below it, none of which lies in another."""
        prefix = directory.rstrip("/") + "/"
        left_out = [os.fsencode(f"{prefix}{path}/") for path in without]
        known = host_content.below(store, os.fsencode(prefix), left_out)
        return cls(store, prefix, {os.fsdecode(path): state for path, state in known.items()})

    def content(self, path: str, info: os.stat_result) -> bytes:
        """The identity of the file at ``path`` (treehash.Content), read only if it changed."""
        relative = path[len(self.directory) :]
        stamp = stamp_of(info)
        known = self.known.pop(relative, b"")
        if known.startswith(stamp):
            return known[len(stamp) :]
        identity = treehash.file_identity(path, info, inside.plain)
        if is_settled(max(info.st_mtime_ns, info.st_ctime_ns), time.time_ns()):
            self.learned[relative] = stamp + identity
        return identity

    def save(self, *, complete: bool) -> None:
        """Remember what was learned; forget what was not seen if the walk was ``complete``, without a filter."""
        gone = self.known if complete else {}
        if not self.learned and not gone:
            return
        learned = {self._stored(path): state for path, state in self.learned.items()}
        host_content.keep(self.store, learned, map(self._stored, gone))

    def _stored(self, relative: str) -> bytes:
        return os.fsencode(self.directory + relative)


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
