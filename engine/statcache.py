"""Remembers what host files held, so that an unchanged directory is known again without reading it.

A file counts as unchanged when inode, size, modification and change time are the remembered ones. As in git's
index, a file that changed shortly before it was read is not remembered: a later change might leave the same times.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine import treehash
from engine.store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS host_files (
  path BLOB PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
  mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, identity BLOB NOT NULL) WITHOUT ROWID
"""
_RACY_NS = 2_000_000_000

Stamp = tuple[int, int, int, int, int]


@dataclass
class StatCache:
    """What is remembered of the files below one directory; ``content`` serves ``treehash.of_entries``.

    ``known`` loses what was asked for: what is left at the end was not seen.
    """

    store: Store
    known: dict[str, tuple[Stamp, bytes]]
    learned: dict[str, tuple[Stamp, bytes]] = field(default_factory=dict)

    @classmethod
    def below(cls, store: Store, directory: str) -> "StatCache":
        """Load what is remembered of ``directory`` (an absolute path)."""
        prefix = os.fsencode(directory.rstrip("/")) + b"/"
        with store.mutex:
            store.db.execute(_SCHEMA)
            rows = store.db.execute(
                "SELECT path, device, inode, size, mtime, ctime, identity FROM host_files WHERE path > ? AND path < ?",
                (prefix, prefix[:-1] + b"0"),
            ).fetchall()
        return cls(store, {os.fsdecode(row[0]): (row[1:6], row[6]) for row in rows})

    def content(self, path: str, info: os.stat_result) -> bytes:
        """The identity of the file at ``path`` (treehash.Content), read only if it changed."""
        stamp = stamp_of(info)
        known = self.known.pop(path, None)
        if known and known[0] == stamp:
            return known[1]
        identity = treehash.file_identity(path, info)
        if max(info.st_mtime_ns, info.st_ctime_ns) < time.time_ns() - _RACY_NS:
            self.learned[path] = (stamp, identity)
        return identity

    def save(self, *, complete: bool) -> None:
        """Remember what was learned; forget what was not seen if the walk was ``complete``, without a filter."""
        gone = self.known if complete else {}
        if not self.learned and not gone:
            return
        with self.store.transaction():
            self.store.db.executemany(
                "INSERT OR REPLACE INTO host_files VALUES (?, ?, ?, ?, ?, ?, ?)", _rows(self.learned.items())
            )
            self.store.db.executemany("DELETE FROM host_files WHERE path = ?", ((os.fsencode(path),) for path in gone))


def stamp_of(info: os.stat_result) -> Stamp:
    """What tells one state of a file from another."""
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def _rows(learned: Iterable[tuple[str, tuple[Stamp, bytes]]]) -> Iterable[tuple[bytes | int, ...]]:
    return ((os.fsencode(path), *stamp, identity) for path, (stamp, identity) in learned)
