"""Which repositories hold a blob, so that a registry can mount it from there instead of taking it again."""

from baselard.engine.store.database import Store
from baselard.oci.reference import Reference


def record(store: Store, name: str, reference: Reference) -> None:
    """Remember that the reference's repository holds the blob ``name``."""
    with store.transaction():
        store.db.execute(
            "INSERT OR REPLACE INTO origins VALUES (?, ?, ?)", (name, reference.registry, reference.repository)
        )


def find(store: Store, name: str, reference: Reference) -> str:
    """Another repository of the reference's registry that held the blob; empty when none is known."""
    with store.mutex:
        row = store.db.execute(
            "SELECT repository FROM origins WHERE digest = ? AND registry = ? AND repository != ?",
            (name, reference.registry, reference.repository),
        ).fetchone()
    return str(row[0]) if row else ""
