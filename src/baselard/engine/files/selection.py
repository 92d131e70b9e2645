"""The digest of a part of a value's tree: what a copy of this part, or a mount of it, depends on."""

import stat

from baselard.engine.errors import UserError
from baselard.engine.files import paths, treehash
from baselard.engine.files.walking import EVERYTHING, Filter, walk
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.snapshots import Snapshots


def digest_of(snapshots: Snapshots, value: Value, path: str = "/", selected: Filter = EVERYTHING) -> str:
    """The content digest of what is at ``path`` in the value's tree: a directory's selected entries, or a file.

    It tells times where the value's own digest does (treehash.TIMED). Remembered, as trees do not change. Raises
    UserError when there is nothing at ``path``.
    """
    relative = paths.clean(path)
    if value.tree is None and not relative:
        return treehash.EMPTY
    key = _key(value.digest, relative, selected)
    if known := snapshots.store.lookup(key):
        return known.values[0].digest
    with snapshots.view(value.tree if isinstance(value.tree, Snapshot) else None) as root:
        real = paths.under(root, paths.resolve(root, relative))
        found = _compute(real, path, selected, times=value.digest.endswith(treehash.TIMED))
    snapshots.store.record([key], Result((Value(found),)))
    return found


def looks_of(snapshots: Snapshots, value: Value, path: str) -> str:
    """The digest of how the directory or file at ``path`` itself looks: mode, owner, attributes, set times.

    It is no part of the digest of a directory's entries. Raises UserError when there is nothing at ``path``.
    """
    relative = paths.clean(path)
    if value.tree is None and not relative:
        return ""
    key = digest.of("looks.v1", value.digest, relative)
    if known := snapshots.store.lookup(key):
        return known.values[0].digest
    with snapshots.view(value.tree if isinstance(value.tree, Snapshot) else None) as root:
        real = paths.under(root, paths.resolve(root, relative))
        if not paths.mode(real):
            raise UserError(f"{path}: no such file or directory")
        found = treehash.of_looks(real, times=value.digest.endswith(treehash.TIMED))
    snapshots.store.record([key], Result((Value(found),)))
    return found


def remember(store: Store, value_digest: str, path: str, found: str) -> None:
    """Note that all at ``path`` (relative, no links on the way) in the value's tree has the digest ``found``."""
    store.record([_key(value_digest, path, EVERYTHING)], Result((Value(found),)))


def _key(value_digest: str, relative: str, selected: Filter) -> str:
    return digest.of("selection.v1", value_digest, relative, selected)


def _compute(real: str, path: str, selected: Filter, *, times: bool) -> str:
    mode = paths.mode(real)
    if not mode:
        raise UserError(f"{path}: no such file or directory")
    if stat.S_ISDIR(mode):
        found = treehash.of_entries(real, walk(real, selected), owner=treehash.As(times=times))
    else:
        found = treehash.of_file(real, times=times)
    return found + treehash.TIMED * times
