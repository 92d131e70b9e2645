"""The records of a store, all of them at once: for whoever frees space, and for whoever only looks."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import HostError
from baselard.engine.store import stored
from baselard.engine.store.database import Store
from baselard.engine.store.stored import Stored


@dataclass(frozen=True)
class Holdings:
    """Everything recorded. Results are (key, last use, result), the longest unused first; sizes are in bytes.

    ``packed`` are the blobs from which snapshots' files are still to be made.
    """

    results: Sequence[tuple[str, float, Stored]]
    parents: Mapping[int, int | None]
    blobs: Mapping[str, tuple[int, float]]
    sizes: Mapping[int, int]
    packed: Mapping[int, str]


def read(store: Store) -> Holdings:
    """Everything that is recorded now; call it in a transaction if it must still hold a moment later."""
    rows = store.db.execute("SELECT key, used, result FROM results ORDER BY used")
    results = [(key, used, stored.decode(text)) for key, used, text in rows]
    blobs = {name: (size, used) for name, size, used in store.db.execute("SELECT digest, size, used FROM blobs")}
    return Holdings(
        results,
        dict(store.db.execute("SELECT id, parent FROM snapshots")),
        blobs,
        dict(store.db.execute("SELECT snapshot, bytes FROM sizes")),
        dict(store.db.execute("SELECT snapshot, digest FROM packed")),
    )


def size(store: Store) -> int:
    """Bytes on disk of all blobs and of all snapshots that were measured."""
    query = (
        "SELECT coalesce(sum(bytes), 0) + (SELECT coalesce(sum(size), 0) FROM blobs) "
        "FROM sizes WHERE snapshot IN (SELECT id FROM snapshots)"
    )
    with store.mutex:
        return int(store.db.execute(query).fetchone()[0])


def used_since(store: Store, moment: float) -> list[tuple[str, Stored]]:
    """Results used since then by their keys, under all keys of each, also that of its content; no objects."""
    query = "SELECT key, result FROM results WHERE result IN (SELECT result FROM results WHERE used >= ?) ORDER BY key"
    with store.mutex:
        found = [(key, stored.decode(text)) for key, text in store.db.execute(query, (moment,))]
    return [(key, result) for key, result in found if stored.OBJECTS not in result.data]


def snapshots_since(store: Store, moment: float) -> set[int]:
    """The snapshots used since then."""
    return {row[0] for row in store.db.execute("SELECT id FROM snapshots WHERE used >= ?", (moment,))}


def unmeasured(store: Store) -> list[int]:
    """The snapshots whose size is not noted; what is packed has none."""
    sized = "SELECT snapshot FROM sizes UNION ALL SELECT snapshot FROM packed"
    query = f"SELECT id FROM snapshots WHERE id NOT IN ({sized})"  # noqa: S608
    with store.mutex:
        return [row[0] for row in store.db.execute(query)]


def note_sizes(store: Store, sizes: Sequence[tuple[int, int]]) -> None:
    """Note the bytes on disk of snapshots' own files, by their numbers."""
    with store.transaction():
        store.db.executemany("INSERT OR REPLACE INTO sizes VALUES (?, ?)", sizes)


def forget(store: Store, *, results: Sequence[str], snapshots: Sequence[int], blobs: Sequence[str]) -> None:
    """Delete rows, and what is known about the snapshots; children before parents, as the foreign key wants."""
    rows: dict[str, tuple[str, Sequence[str] | Sequence[int]]] = {
        "results": ("key", results),
        "snapshots": ("id", sorted(snapshots, reverse=True)),
        "sizes": ("snapshot", snapshots),
        "makers": ("snapshot", snapshots),
        "indexed": ("snapshot", snapshots),
        "packed": ("snapshot", snapshots),
        "blobs": ("digest", blobs),
    }
    for table, (column, values) in rows.items():
        store.db.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(value,) for value in values])  # noqa: S608


@dataclass(frozen=True)
class Listed:
    """Records of a database that nobody need have opened: blobs by digest with their bytes, numbers of snapshots.

    These are those that have a directory.
    """

    blobs: Mapping[str, int]
    snapshots: Sequence[int]


def look(path: Path) -> Listed | None:
    """The records of the database at ``path``, which is only read; None where the tables were never made.

    Raises HostError when it is damaged.
    """
    with _only_read(path) as db:
        if (said := db.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise HostError(f"the database is damaged: {said}")
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
        if not {"blobs", "snapshots"} <= tables:
            return None
        packed = " WHERE id NOT IN (SELECT snapshot FROM packed)" if "packed" in tables else ""
        snapshots = [row[0] for row in db.execute(f"SELECT id FROM snapshots{packed}")]  # noqa: S608
        return Listed(dict(db.execute("SELECT digest, size FROM blobs")), snapshots)


@contextlib.contextmanager
def _only_read(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            yield db
    except sqlite3.Error as error:
        raise HostError(f"the database is damaged: {error}") from error
