"""Contents of this machine's files when they were last read, by path: states that only their writer understands."""

from collections.abc import Iterable, Mapping

from baselard.engine.store.database import Store


def below(store: Store, prefix: bytes, without: Iterable[bytes] = ()) -> dict[bytes, bytes]:
    """The states of all paths that begin with ``prefix``, which ends in a slash; by what follows it.

    But for those that begin with one of ``without``, which begin with it, end in a slash, and do not begin with each
    other.
    """
    query = "SELECT path, state FROM host_content WHERE path > ? AND path < ?"
    left_out = sorted(without)
    starts, ends = [prefix, *map(_behind, left_out)], [*left_out, _behind(prefix)]
    with store.mutex:
        found = (row for gap in zip(starts, ends, strict=True) for row in store.db.execute(query, gap))
        return {path[len(prefix) :]: state for path, state in found}


def _behind(prefix: bytes) -> bytes:
    """The first path that sorts behind all that begin with ``prefix``."""
    return prefix[:-1] + b"0"


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
