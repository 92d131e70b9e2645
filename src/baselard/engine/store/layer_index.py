"""The store's knowledge of layers: which snapshot a chain of them is, and which blobs a snapshot was packed into."""

import time
from dataclasses import dataclass
from typing import Any

from baselard.engine.store.database import Snapshot, Store


@dataclass(frozen=True)
class Layer:
    """One layer as a blob. ``compression`` is ``gzip``, ``zstd`` or ``none``; ``size`` in bytes."""

    digest: str
    size: int
    diff_id: str
    compression: str


def chain_snapshot(store: Store, chain: str) -> Snapshot | None:
    """The snapshot that the layers of this chain id (OCI image spec, config.md) were unpacked into.

    It counts as used now, so that nobody collects it before a result names it. One of a boot that ended before its
    files were synced does not count.
    """
    with store.transaction():
        touched = store.db.execute(
            "UPDATE snapshots SET used = ? WHERE id = (SELECT snapshot FROM chains WHERE chain = ?) "
            "AND boot IN ('', ?) RETURNING id",
            (time.time(), chain, store.boot),
        ).fetchone()
    return store.snapshot(touched[0]) if touched else None


def record_chain(store: Store, chain: str, snapshot: Snapshot) -> None:
    """Remember what ``chain`` was unpacked into."""
    with store.transaction():
        store.db.execute("INSERT OR REPLACE INTO chains VALUES (?, ?)", (chain, snapshot.id))


def record_bootstrapped(store: Store, name: str, snapshot: Snapshot) -> None:
    """Remember that ``snapshot`` was made here to stand in for the image ``name``."""
    record_chain(store, f"bootstrap {name} {snapshot.id}", snapshot)


def bootstrapped(store: Store, snapshot: Snapshot) -> str:
    """The image for which ``snapshot`` was made to stand in; empty when it was not."""
    rows = _all(store, "SELECT chain FROM chains WHERE snapshot = ? AND chain LIKE 'bootstrap %'", (snapshot.id,))
    return str(rows[0][0]).split(" ", 1)[1].rpartition(" ")[0] if rows else ""


def record_joined(store: Store, snapshot: Snapshot) -> None:
    """Remember that ``snapshot`` and its parent are one tree, kept in two parts: they make one layer of an image."""
    record_chain(store, f"joined {snapshot.id}", snapshot)


def is_joined(store: Store, snapshot: Snapshot) -> bool:
    """Whether ``snapshot`` is one tree with its parent."""
    return bool(_all(store, "SELECT 1 FROM chains WHERE chain = ?", (f"joined {snapshot.id}",)))


GIVEN = "given"
"""The stamp of a layer that came with an image, whose bytes stay as they are."""


def packed(store: Store, snapshot: Snapshot, below: Snapshot | None, stamp: str, compression: str = "") -> Layer | None:
    """The blob with all of ``snapshot`` that differs from its ancestor ``below``, in this compression or, for ``""``,
    any whose content is the tar alone; None unless the store still has it.

    A layer that came with an image comes first, then one of this ``stamp``.
    """
    rows = _all(
        store,
        "SELECT digest, size, diff_id, compression FROM layers WHERE snapshot = ? AND below = ? AND stamp IN (?, ?) "
        "AND (compression = ? OR ? = '') ORDER BY stamp != ?, compression",
        (snapshot.id, below.id if below else 0, stamp, GIVEN, compression, compression, GIVEN),
    )
    return next((Layer(*row) for row in rows if store.has_blob(row[0])), None)


def record_layer(store: Store, snapshot: Snapshot, below: Snapshot | None, stamp: str, layer: Layer) -> None:
    """Remember that ``layer`` holds what ``snapshot`` adds to ``below``. ``stamp`` tells how time stamps were made."""
    place = (snapshot.id, below.id if below else 0, layer.compression, stamp)
    with store.transaction():
        store.db.execute(
            "INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*place, layer.digest, layer.size, layer.diff_id),
        )


def forget_snapshots(store: Store) -> None:
    """Drop what is known about snapshots that are gone."""
    with store.transaction():
        for table in ("chains", "layers"):
            store.db.execute(f"DELETE FROM {table} WHERE snapshot NOT IN (SELECT id FROM snapshots)")  # noqa: S608


def _all(store: Store, query: str, values: tuple[object, ...]) -> "list[tuple[Any, ...]]":
    with store.mutex:
        return store.db.execute(query, values).fetchall()
