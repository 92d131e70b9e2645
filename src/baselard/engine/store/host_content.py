"""Contents of this machine's files when they were last read, by path: states that only their writer understands."""

from collections.abc import Iterable, Mapping

from baselard.engine.store.database import Store


def below(store: Store, prefix: bytes) -> dict[bytes, bytes]:
    """The states of all paths that begin with ``prefix``, which ends in a slash; by what follows it."""
    after = prefix[:-1] + b"0"  # the first path that sorts behind all of them
    query = "SELECT path, state FROM host_content WHERE path > ? AND path < ?"
    with store.mutex:
        return {path[len(prefix) :]: state for path, state in store.db.execute(query, (prefix, after))}


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
