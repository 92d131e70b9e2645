"""What the store knows about layers: which snapshot a chain of them is, and which blobs a snapshot was packed into."""

import contextlib
from dataclasses import dataclass
from typing import Any

from engine.store import Snapshot, Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS chains (
  chain TEXT PRIMARY KEY, snapshot INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS layers (
  snapshot INTEGER NOT NULL, below INTEGER NOT NULL, compression TEXT NOT NULL,
  digest TEXT NOT NULL, size INTEGER NOT NULL, diff_id TEXT NOT NULL,
  PRIMARY KEY (snapshot, below, compression)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Layer:
    """One layer as a blob. ``compression`` is ``gzip``, ``zstd`` or ``none``; ``size`` counts the blob's bytes."""

    digest: str
    size: int
    diff_id: str
    compression: str


def chain_snapshot(store: Store, chain: str) -> Snapshot | None:
    """The snapshot that the layers of this chain id (OCI image spec, config.md) were unpacked into."""
    row = _one(store, "SELECT snapshot FROM chains WHERE chain = ?", (chain,))
    return store.snapshot(row[0]) if row else None


def record_chain(store: Store, chain: str, snapshot: Snapshot) -> None:
    """Remember what ``chain`` was unpacked into."""
    with _open(store):
        store.db.execute("INSERT OR REPLACE INTO chains VALUES (?, ?)", (chain, snapshot.id))


def packed(store: Store, snapshot: Snapshot, below: Snapshot | None, compression: str = "") -> Layer | None:
    """The blob with all of ``snapshot`` that differs from its ancestor ``below``, in this compression or, for ``""``,
    any; None unless the store still has it."""
    query = "SELECT digest, size, diff_id, compression FROM layers WHERE snapshot = ? AND below = ?"
    values: tuple[object, ...] = (snapshot.id, below.id if below else 0)
    if compression:
        query, values = query + " AND compression = ?", (*values, compression)
    row = _one(store, query + " ORDER BY compression", values)
    return Layer(*row) if row and store.has_blob(row[0]) else None


def record_layer(store: Store, snapshot: Snapshot, below: Snapshot | None, layer: Layer) -> None:
    """Remember that ``layer`` holds what ``snapshot`` adds to ``below``."""
    values = (snapshot.id, below.id if below else 0, layer.compression, layer.digest, layer.size, layer.diff_id)
    with _open(store):
        store.db.execute("INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?, ?)", values)


def forget_snapshots(store: Store) -> None:
    """Drop what is known about snapshots that are gone."""
    with _open(store):
        for table in ("chains", "layers"):
            store.db.execute(f"DELETE FROM {table} WHERE snapshot NOT IN (SELECT id FROM snapshots)")  # noqa: S608


def _open(store: Store) -> "contextlib.AbstractContextManager[None]":
    """A transaction in which the tables are there."""
    with store.mutex:
        for statement in _SCHEMA.split(";"):
            store.db.execute(statement)
    return store.transaction()


def _one(store: Store, query: str, values: tuple[object, ...]) -> "tuple[Any, ...] | None":
    with _open(store):
        row: tuple[Any, ...] | None = store.db.execute(query, values).fetchone()
    return row
