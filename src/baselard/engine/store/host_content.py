"""Contents of this machine's files when they were last read, by path: states that only their writer understands."""

from collections.abc import Iterable, Mapping

from baselard.engine.store.database import Store


def between(store: Store, first: bytes, end: bytes, most: int) -> list[tuple[bytes, bytes]]:
    """The states of the first ``most`` paths from ``first`` up to ``end``, which is not among them, in bytes' order."""
    query = "SELECT path, state FROM host_content WHERE path >= ? AND path < ? ORDER BY path LIMIT ?"
    with store.mutex:
        return store.db.execute(query, (first, end, most)).fetchall()


def one(store: Store, path: bytes) -> bytes:
    """The state of one path, empty where none is remembered."""
    with store.mutex:
        row = store.db.execute("SELECT state FROM host_content WHERE path = ?", (path,)).fetchone()
    return bytes(row[0]) if row else b""


def keep(store: Store, states: Mapping[bytes, bytes], gone: Iterable[bytes]) -> None:
    """Remember ``states`` by path, and forget the paths ``gone``."""
    with store.transaction():
        store.db.executemany("INSERT OR REPLACE INTO host_content VALUES (?, ?)", states.items())
        store.db.executemany("DELETE FROM host_content WHERE path = ?", ((path,) for path in gone))
