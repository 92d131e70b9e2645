"""Snapshots whose own files are no directory: a layer that is indexed (indexes.py), or packed until somebody looks.

What is packed is a blob and a row. Its files are made at the first use, by the store's ``unpack``; most of what an
exported cache brings is never looked at.
"""

import time
from pathlib import Path

from baselard.engine.store import indexes, mounting
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import Layer


def add_packed(store: Store, parent: Snapshot | None, layer: Layer) -> Snapshot:
    """Record a new snapshot whose own files ``layer`` holds, a blob of this store."""
    with store.transaction():
        snapshot = store.new_snapshot(parent, as_tar=True)
        row = (snapshot.id, layer.digest, layer.size, layer.diff_id, layer.compression)
        store.db.execute("INSERT INTO packed VALUES (?, ?, ?, ?, ?)", row)
    return snapshot


def packed(store: Store) -> dict[int, Layer]:
    """The layers of all snapshots that are packed."""
    with store.mutex:
        rows = store.db.execute("SELECT snapshot, digest, size, diff_id, compression FROM packed").fetchall()
    return {row[0]: Layer(*row[1:]) for row in rows}


def settle(store: Store, snapshot: Snapshot, tree: Path, *, is_index: bool = False) -> None:
    """Have ``tree`` (in this store's work) be the snapshot's own files, in the place of what was packed or indexed.

    It is as new as what this boot made: a power cut may tear it.
    """
    with store.transaction():
        for table in ("indexed", "packed", "sizes"):
            store.db.execute(f"DELETE FROM {table} WHERE snapshot = ?", (snapshot.id,))  # noqa: S608
        store.db.execute("UPDATE snapshots SET used = ?, boot = ? WHERE id = ?", (time.time(), store.boot, snapshot.id))
        if is_index:
            store.db.execute("INSERT INTO indexed VALUES (?)", (snapshot.id,))
        own = store.own_directory(snapshot)
        indexes.hide(own)
        if own.exists():
            mounting.exchange(tree, own)
        else:
            tree.rename(own)


def give_up(store: Store, layer: Layer) -> None:
    """Have nobody come back to a packed layer that cannot be unpacked: what needs it is made anew by the next run."""
    with store.transaction():
        store.db.execute("DELETE FROM blobs WHERE digest = ?", (layer.digest,))
