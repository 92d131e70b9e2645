"""Directories and files of the host. They are hashed first; what the store holds already is not copied."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from baselard.engine.errors import EngineError, UserError, foreseen
from baselard.engine.files import checkout, knowntree, selection, treehash
from baselard.engine.files.copying import Copier, CopySource, CopyTarget, Metadata
from baselard.engine.files.patterns import literal
from baselard.engine.files.statcache import Stamps
from baselard.engine.files.walking import EVERYTHING, Filter, walk
from baselard.engine.ops import host_layer, host_walk
from baselard.engine.ops.host_walk import Part, Read, stamped
from baselard.engine.ops.tree import one
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import cachedir, locks
from baselard.oci import digests

T = TypeVar("T")

_TRIES = 5  # before a directory is said to change too quickly to be read
_LARGE = 64 << 20  # bytes of a file that is not copied before somebody needs the copy
_CHANGED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ESTALE, errno.EINVAL)
"""How a file system says that something is not any more what it was found to be."""


@dataclass(frozen=True)
class HostDirectory:
    """A host directory as it was when ``load`` read it; called by its content's digest alone.

    Owners do not come along: everything belongs to root, as in Dagger. Sockets stay behind, as with Docker. ``stamps``
    tell one large file from what it becomes later: it is in the store only when somebody needed its copy.
    """

    digest: str
    path: str = field(compare=False)
    selected: Filter = field(compare=False, default=EVERYTHING)
    stamps: bytes = field(compare=False, default=b"")
    inputs: ClassVar[tuple[Output, ...]] = ()
    cached: ClassVar[bool] = True

    @property
    def key(self) -> str:
        return self.digest

    @property
    def label(self) -> str:
        return f"host directory {self.path}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> None:
        """The digest is the key already."""

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:  # noqa: ARG002
        """Read it once more; only needed for a large file, or when the store lost it since.

        Raises EngineError when the directory has changed meanwhile.
        """
        path, selected = self.path, self.selected
        made, result = _while_it_holds_still(path, lambda: _keep(worker, path, selected, _hash(worker, path, selected)))
        if made != self.digest:
            raise EngineError(f"{self.path} changed since it was read, and the store lost what it held then; run again")
        return result

    @contextlib.contextmanager
    def in_place(self, worker: Worker) -> Iterator[str]:
        """The directory itself, for whoever reads a large file without a copy, which must be as it was until the end.

        Raises EngineError when it is not.
        """
        self._look(worker)
        yield self.path
        self._look(worker)

    def _look(self, worker: Worker) -> None:
        stamps = Stamps()
        for _ in stamped(Part.of(worker, self.path, self.selected).entries(), stamps):
            pass
        if stamps.digest() != self.stamps:
            raise EngineError(f"{self.path}/{self.selected.include[0]} changed since it was read; run again")


def load(worker: Worker, path: str, selected: Filter = EVERYTHING, *, later: bool = False) -> HostDirectory:
    """Hash the host directory at the absolute ``path`` and see that the store holds what it held.

    Where something goes meanwhile it is read anew. Raises UserError when there is no such directory, when something in
    it cannot be read, or when it never holds still. With ``later`` it is copied when somebody needs the copy.
    """
    if selected.gitignore and checkout.ignores(path):
        raise UserError(f"{_missing(path)} but for what git ignores")
    return _while_it_holds_still(path, lambda: _load(worker, path, selected, later=later))


def _while_it_holds_still(path: str, read: Callable[[], T]) -> T:
    """The result of ``read``, which is called anew when something goes that it was about to read."""
    left = _TRIES
    while True:
        if not os.path.isdir(path):
            raise UserError(_missing(path) if not os.path.exists(path) else f"{path} on the host: not a directory")
        try:
            return read()
        except OSError as error:
            left -= 1
            if error.errno in _CHANGED and left:
                continue
            if known := _explained(path, error) or foreseen(error):
                raise known from error
            raise


def _explained(path: str, error: OSError) -> UserError | None:
    name = os.fsdecode(error.filename or path)
    if error.errno in _CHANGED:
        return UserError(f"{path} changes while it is read ({name}: {error.strerror}); exclude what does, or run again")
    if isinstance(error, PermissionError):
        return UserError(f"{name} on the host cannot be read: {error.strerror}; exclude it")
    return None


def _load(worker: Worker, path: str, selected: Filter, *, later: bool) -> HostDirectory:
    if cachedir.is_tagged(path):
        raise UserError(f"{path} is a directory that Baselard keeps for itself; it is part of no source")
    read = _hash(worker, path, selected)
    if later:
        return HostDirectory(read.digest, path, selected, read.stamps)
    found = read.digest if worker.store.lookup(read.digest) else _keep(worker, path, selected, read)[0]
    return HostDirectory(found, path, selected)


def load_file(worker: Worker, path: str, *, later: bool = False) -> tuple[HostDirectory, str]:
    """The directory with only the host file ``path``, and the file's name in it.

    With ``later`` a large one is copied when somebody needs the copy. Raises UserError when there is no such file. A
    link is followed, as a host path is the user's own.
    """
    real = os.path.realpath(path)
    if not os.path.exists(real):
        raise UserError(_missing(path))
    if os.path.isdir(real):
        raise UserError(f"{path} is a directory, not a file")
    directory, name = os.path.split(real)
    return load(
        worker, directory, Filter(include=(literal(name),)), later=later and os.path.getsize(real) >= _LARGE
    ), name


def _missing(path: str) -> str:
    return f"lstat {path}: no such file or directory on the host"


def _hash(worker: Worker, path: str, selected: Filter) -> Read:
    """The directory as it is, without a walk where nobody touched it."""
    part = Part.of(worker, path, selected)
    known = knowntree.recall(worker.store, part.key())
    if known and known.tree:
        return Read(known.tree.content, known.tree.stamps)
    return host_walk.walked(worker.store, part, known)


def _keep(worker: Worker, path: str, selected: Filter, read: Read) -> tuple[str, Result]:
    """Have the store hold what was read, once if several ask at once. The digest is that of what it holds then."""
    store = worker.store
    with locks.exclusive(store.work / f"import-{digests.parse(read.digest).hex}"):
        if known := store.lookup(read.digest):
            return read.digest, known
        found, result = _imported(worker, Part.of(worker, path, selected), read)
        store.record([found], result)
        selection.remember(store, found, "", found)
        return found, result


def _imported(worker: Worker, part: Part, read: Read) -> tuple[str, Result]:
    """Take it in, where it can be as a layer on an import before."""
    if read.held is None:
        return _imported(worker, part, host_walk.walked(worker.store, part))
    key = host_layer.key(worker.store, part.path, part.selected)
    if result := host_layer.imported(worker, key, host_layer.Seen(part.path, read.digest, read.held)):
        return read.digest, result
    found, result = _import(worker, part, read)
    if found == read.digest:
        host_layer.keep(worker.store, key, host_layer.base(result), read.held)
    return found, result


def _import(worker: Worker, part: Part, read: Read) -> tuple[str, Result]:
    """Copy what was read into the store; the digest is that of the copy, whatever happened to the original."""
    with worker.snapshots.layer(None) as draft:
        upper, found, after = str(draft.upper), read.digest, Stamps()
        entries = stamped(part.entries(), after, again=part.path)
        target = CopyTarget(upper)
        draft.settle = target.settle
        Copier(CopySource(part.path, changing=True), target, Metadata(host_layer.ROOT)).tree(entries, "")
        if after.digest() != read.stamps:
            found = treehash.of_entries(upper, walk(upper))
        return found, one(found, draft.commit())
