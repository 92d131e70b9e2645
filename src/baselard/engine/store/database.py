"""Where results, snapshots' records and blobs live: one directory, one SQLite database, many processes.

What is recorded is whole. Everything is written under a temporary name and renamed, then recorded; what a dead
process left unrecorded is removed by the next one. Nothing is synced to disk while work goes on: rows carry the boot
they were written in until a later session has synced the file system, and rows of a boot that ended before are
dropped, so a power cut costs the last session's work and no more.
"""

import asyncio
import contextlib
import errno
import functools
import itertools
import os
import sqlite3
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import HostError
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store import cachedir, deep, ids, indexes, locks, schema, stored
from baselard.oci import digests
from baselard.oci.text import whole

_TABLES = ("results", "snapshots", "blobs")
_numbers = itertools.count()  # of temporary directories; those of other processes are elsewhere
_LOCK_POLL = 0.02  # seconds between tries for a key that another process holds

Unpack = Callable[["Store", "Snapshot"], None]
"""Makes the files of a snapshot, and of those below it, that are packed (baselard.engine.store.packed)."""


def _unpack_nothing(_store: "Store", snapshot: "Snapshot") -> None:
    raise RuntimeError(f"snapshot {snapshot.id} is packed, and nothing that unpacks was given")


@dataclass(frozen=True)
class Store:
    """One opened store. ``root`` is its directory; use ``Store.open`` and ``close``."""

    root: Path
    started: float
    db: sqlite3.Connection = field(compare=False, repr=False)
    owned: locks.OwnedDir = field(repr=False)
    unpack: Unpack = field(compare=False, repr=False, default=_unpack_nothing)
    mutex: threading.RLock = field(compare=False, repr=False, default_factory=threading.RLock)

    @classmethod
    def open(cls, root: Path, unpack: Unpack = _unpack_nothing) -> "Store":
        """Open the store at ``root``, making it if need be, and remove what dead processes left unrecorded.

        Whoever looks at trees gives ``unpack``. Raises HostError when the directory cannot be used.
        """
        try:
            for name in ("layers", "blobs/sha256", "work", "caches"):
                (root / name).mkdir(parents=True, exist_ok=True, mode=0o711)
            cachedir.tag(root)
            ids.keep_to(root)
            owned = locks.own(root / "work" / uuid.uuid4().hex[:12])
        except OSError as error:
            raise HostError(f"the store {root} cannot be written: {error.strerror}; set BASELARD_STORE") from error
        try:
            with locks.exclusive(root / "opening"):  # SQLite does not wait when two change to WAL at once, it fails
                db = schema.opened(root / "store.db")
            store = cls(root, time.time(), db, owned, unpack)
            store._drop_earlier_boots()
        except (OSError, sqlite3.OperationalError) as error:
            owned.close()
            remedy = "make room there, or set BASELARD_STORE to another place"
            raise HostError(f"the store {root} cannot be opened: {error}; {remedy}") from error
        except BaseException:
            owned.close()
            raise
        return store

    def close(self) -> None:
        """Give up this process's hold on the store; temporary files go."""
        indexes.hide_below(self.root)
        with self.mutex:
            self.db.close()
        self.owned.close()

    @property
    def engine(self) -> str:
        """The name of this process in the records."""
        return self.work.name

    @property
    def boot(self) -> str:
        """The id that tells this boot of the machine from others."""
        return _boot()

    @property
    def work(self) -> Path:
        """This process's own temporary directory, on the store's file system."""
        return self.owned.path

    # results

    def lookup(self, key: str) -> Result | None:
        """The recorded result of ``key``, or None."""
        with self.mutex:
            row = self.db.execute("SELECT result, used FROM results WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            if row[1] < self.started:
                touched = self.db.execute("UPDATE results SET used = ? WHERE key = ?", (time.time(), key))
                if not touched.rowcount:
                    return None  # collected in this very moment
        return self._decode(row[0])

    def keep(self, keys: Sequence[str]) -> None:
        """Have the results of ``keys`` count as used now; those that are not recorded are passed over."""
        rows = [(time.time(), key, self.started) for key in keys]
        with self.transaction():
            self.db.executemany("UPDATE results SET used = ? WHERE key = ? AND used < ?", rows)

    def record(self, keys: Sequence[str], result: Result, label: str = "") -> None:
        """Record one result under all of ``keys``, at once or not at all.

        ``label`` says what made it; of a snapshot the first label stays.
        """
        text = stored.encode(result)
        with self.transaction():
            if label:
                trees = [(value.tree.id, whole(label)) for value in result.values if value.tree]
                self.db.executemany("INSERT OR IGNORE INTO makers VALUES (?, ?)", trees)
            self.db.executemany(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)",
                [(key, text, time.time(), _boot()) for key in keys],
            )

    @contextlib.asynccontextmanager
    async def locked(self, key: str) -> AsyncIterator[None]:
        """Hold ``key`` alone among all processes that use this store."""
        fd = os.open(self.root / "locks", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not locks.try_byte(fd, int(digests.parse(digests.of_bytes(key.encode())).hex[:15], 16)):
                await asyncio.sleep(_LOCK_POLL)
            yield
        finally:
            os.close(fd)

    def _decode(self, text: str) -> Result | None:
        found = stored.decode(text)
        values = []
        for name, tree in found.values:
            snapshot = self.snapshot(tree) if tree is not None else None
            if tree is not None and snapshot is None:
                return None
            values.append(Value(name, snapshot))
        return Result(tuple(values), found.data)

    def maker(self, snapshot: "Snapshot") -> str:
        """The label of what made ``snapshot``; empty when that is not known."""
        with self.mutex:
            row = self.db.execute("SELECT label FROM makers WHERE snapshot = ?", (snapshot.id,)).fetchone()
        return str(row[0]) if row else ""

    # snapshots' records (the trees themselves are baselard.engine.store.snapshots's)

    def snapshot(self, number: int) -> "Snapshot | None":
        """The recorded snapshot ``number`` with all its ancestors; None, too, where one's files are lost."""
        with self.mutex:
            rows = self.db.execute(_CHAIN, (number, _boot())).fetchall()
        if any(lost for *_, lost in rows):
            return None
        parent: Snapshot | None = None
        for link, as_tar, _ in reversed(rows):
            parent = Snapshot(link, parent, bool(as_tar))
        return parent

    def add_snapshot(self, parent: "Snapshot | None", tree: Path, *, is_index: bool = False) -> "Snapshot":
        """Make the directory ``tree`` (in this store's work) the difference of a new snapshot, and record it.

        With ``is_index`` it holds a layer that is not unpacked (baselard.engine.store.indexes).
        """
        with self.transaction():
            snapshot = self.new_snapshot(parent, as_tar=is_index)
            if is_index:
                self.db.execute("INSERT INTO indexed VALUES (?)", (snapshot.id,))
            own = self.own_directory(snapshot)
            self._make_room(own)
            os.rename(tree, own)
        return snapshot

    def new_snapshot(self, parent: "Snapshot | None", *, as_tar: bool) -> "Snapshot":
        """A row for a new snapshot, in the transaction that gives it its files."""
        row = self.db.execute(
            "INSERT INTO snapshots (parent, engine, used, boot) VALUES (?, ?, ?, ?) RETURNING id",
            (parent.id if parent else None, self.engine, time.time(), _boot()),
        ).fetchone()
        return Snapshot(row[0], parent, as_tar)

    def _make_room(self, path: Path) -> None:
        """Put away what a process left here that died before it could record it; its number is free again."""
        if os.path.lexists(path):
            path.rename(Path(tempfile.mkdtemp(dir=self.work)) / path.name)

    def layer_path(self, snapshot: "Snapshot") -> Path:
        """The directory with the snapshot's own files (its difference against the parent). Raises HostError."""
        path = self.own_directory(snapshot)
        if snapshot.as_tar and self._is_packed(snapshot):
            self.unpack(self, snapshot)
        if snapshot.as_tar and snapshot.id in self.indexed():
            try:
                indexes.show(path)
            except OSError as error:
                raise HostError(f"the layer {path} cannot be mounted: {error.strerror}") from error
        return path

    def own_directory(self, snapshot: "Snapshot") -> Path:
        """The directory that is kept for the snapshot; the same, but what is not unpacked need not be seen in it."""
        return self.root / "layers" / snapshot.name

    def _is_packed(self, snapshot: "Snapshot") -> bool:
        with self.mutex:
            return bool(self.db.execute("SELECT 1 FROM packed WHERE snapshot = ?", (snapshot.id,)).fetchone())

    def indexed(self) -> set[int]:
        """The snapshots that are kept as an index over a layer's tar; not those that a power cut may have torn."""
        query = "SELECT snapshot FROM indexed JOIN snapshots ON id = snapshot WHERE boot IN ('', ?)"
        with self.mutex:
            return {row[0] for row in self.db.execute(query, (_boot(),))}

    # blobs

    def put_blob(self, chunks: Iterable[bytes]) -> str:
        """Store the bytes of ``chunks``; the content is stored under the digest that comes back."""
        with self.temp_dir() as directory, (directory / "blob").open("w+b") as file:
            file.writelines(chunks)
            file.seek(0)
            name = digests.of_file(file)
            return self.adopt_blob(directory / "blob", name)

    def adopt_blob(self, path: Path, name: str) -> str:
        """Move the file ``path`` (in this store's work), whose digest is known to be ``name``, among the blobs."""
        with self.transaction():
            self.db.execute(
                "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)",
                (name, path.stat().st_size, time.time(), _boot()),
            )
            path.rename(self.blob_path(name))
        return name

    def has_blob(self, name: str) -> bool:
        """Whether the blob ``name`` is stored, whole."""
        with self.mutex:
            row = self.db.execute("SELECT used FROM blobs WHERE digest = ?", (name,)).fetchone()
            if row is not None and row[0] < self.started:
                self.db.execute("UPDATE blobs SET used = ? WHERE digest = ?", (time.time(), name))
        return row is not None

    def blob_path(self, name: str) -> Path:
        """Where the blob ``name`` is or would be. Raises UserError for what is no digest, as others may say."""
        return self.root / digests.blob_path(digest.checked(name))

    # work in progress

    @contextlib.contextmanager
    def temp_dir(self) -> Iterator[Path]:
        """A new directory on the store's file system, removed afterwards."""
        path = self.work / f"t{next(_numbers)}"
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            if os.path.lexists(path):  # what was made a snapshot has moved
                deep.remove(path, ignore_errors=True)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """One write transaction, alone among threads and processes; nested use joins the outer one."""
        with self.mutex:
            if self.db.in_transaction:
                yield
                return
            with _full_disk_told():
                self.db.execute("BEGIN IMMEDIATE")
                try:
                    yield
                    self.db.execute("COMMIT")
                except BaseException:
                    if self.db.in_transaction:  # on some errors SQLite rolls back by itself
                        self.db.execute("ROLLBACK")
                    raise

    @contextlib.contextmanager
    def part(self) -> Iterator[None]:
        """A part of a transaction that is being made: what is raised inside takes back the part and no more."""
        self.db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self.db.in_transaction:  # on some errors SQLite rolls back by itself
                self.db.execute("ROLLBACK TO part")
                self.db.execute("RELEASE part")
            raise
        self.db.execute("RELEASE part")

    def clean(self) -> None:
        """Remove what dead processes left, and make what earlier sessions recorded safe against a power cut."""
        for left in locks.abandoned(self.work.parent):
            left.close()
        self._remove_unrecorded()
        before = time.time()
        if not self._unsynced():
            return
        os.sync()
        with self.transaction():
            for table in _TABLES:
                self.db.execute(f"UPDATE {table} SET boot = '' WHERE boot = ? AND used < ?", (_boot(), before))  # noqa: S608

    def _unsynced(self) -> bool:
        with self.mutex:
            query = "SELECT 1 FROM {} WHERE boot = ? LIMIT 1"
            return any(self.db.execute(query.format(table), (_boot(),)).fetchone() for table in _TABLES)

    def _drop_earlier_boots(self) -> None:
        with self.transaction():
            self.db.execute("DELETE FROM results WHERE boot NOT IN ('', ?)", (_boot(),))
            self.db.execute("DELETE FROM blobs WHERE boot NOT IN ('', ?)", (_boot(),))

    def _remove_unrecorded(self) -> None:
        """Trees and blobs without a row. Rows are written in the transaction that renames, so none is mid-way here."""
        doomed = Path(tempfile.mkdtemp(dir=self.work))
        with self.transaction():
            layers = {_name(row[0]) for row in self.db.execute("SELECT id FROM snapshots")}
            blobs = {row[0].partition(":")[2] for row in self.db.execute("SELECT digest FROM blobs")}
            for folder, known in ((self.root / "layers", layers), (self.root / "blobs" / "sha256", blobs)):
                for path in folder.iterdir():
                    if path.name.partition(".")[0] not in known:
                        indexes.hide(path)
                        path.rename(doomed / f"{folder.name}-{path.name}")
        deep.remove(doomed, ignore_errors=True)


@dataclass(frozen=True)
class Snapshot:
    """An immutable directory tree, stacked on its parents. Equal ids mean the same tree.

    ``as_tar``: when it was recorded or read, its own files were a layer's tar, indexed or packed, and no directory.
    """

    id: int
    parent: "Snapshot | None" = field(default=None, compare=False, repr=False)
    as_tar: bool = field(default=False, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The name of its directory among the layers; short, since a mount's options fit one page."""
        return _name(self.id)


_CHAIN = """
WITH RECURSIVE chain(id, parent, boot, depth) AS (
  SELECT id, parent, boot, 0 FROM snapshots WHERE id = ?
  UNION ALL SELECT s.id, s.parent, s.boot, depth + 1 FROM snapshots s JOIN chain ON s.id = chain.parent)
SELECT id, id IN (SELECT snapshot FROM indexed UNION ALL SELECT snapshot FROM packed),
  boot NOT IN ('', ?) OR id IN (SELECT snapshot FROM packed WHERE digest NOT IN (SELECT digest FROM blobs))
FROM chain ORDER BY depth
"""


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    """A full disk is the same OSError whoever finds it, SQLite or a write."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


def _name(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits


@functools.cache  # no process outlives a boot
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
