"""Keeps a host directory as a layer on an earlier import of the same one, where most of it is as it was then.

What comes out is the tree that copying everything would have made, in two parts or a few. An import that others may
lie on has its inventory beside its files, which goes with them.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from baselard.engine.files import inventory, knowntree, treehash, xattrs
from baselard.engine.files.copying import Copier, CopySource, CopyTarget, Metadata
from baselard.engine.files.inventory import Difference, Inventory
from baselard.engine.files.owners import Owner
from baselard.engine.files.walking import Entry, Filter
from baselard.engine.ops.tree import one, snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Result
from baselard.engine.store import host_content, layer_index
from baselard.engine.store.database import Snapshot, Store

ROOT = Owner(0, 0)
"""The owner of all that comes from the host."""
_WORTH = 4 << 20
"""Bytes, an inventory's weight: what is lighter is copied as quickly, and later imports may copy it again."""
_DEEPEST = 8
"""Layers on a whole import."""


@dataclass(frozen=True)
class Seen:
    """A directory of the host as a walk saw it."""

    root: str
    digest: str
    held: Inventory


@dataclass(frozen=True)
class LowerImport:
    """An import that others may lie on. ``hidden`` are the bytes that those below it keep and nobody sees."""

    digest: str
    tree: Snapshot
    depth: int = 0
    hidden: int = 0

    def inventory(self, store: Store, read: Inventory | None = None) -> Inventory | None:
        """The list of its entries, if the store still has it, whole; ``read`` where that is it."""
        known = store.lookup(self.digest)
        if not known or known.values[0].tree != self.tree:
            return None
        try:
            with _place(store, self.tree).open("rb") as file:
                return inventory.whole(file, read)
        except OSError:
            return None


def base(result: Result) -> LowerImport:
    """A whole import as a base."""
    (value,) = result.values
    if (tree := snapshot_of(value)) is None:
        raise TypeError("an import without a tree")
    return LowerImport(value.digest, tree)


def key(store: Store, root: str, selected: Filter) -> bytes:
    """The name under which the base of a directory and filter is remembered; empty for what soon goes."""
    if root.startswith(f"{os.path.realpath(store.root)}/"):
        return b""
    return knowntree.key("import.v1", root, selected)


def before(store: Store, key: bytes) -> Inventory | None:
    """The list of the entries of the base under ``key``; None where there is none."""
    lower = _recall(store, key)
    return lower.inventory(store) if lower else None


def imported(worker: Worker, key: bytes, seen: Seen) -> Result | None:
    """Record what was seen as a layer on the base under ``key``.

    None when there is no such base, when copying everything is better, or when the directory has changed since.
    """
    lower = _recall(worker.store, key)
    if not lower or (before := lower.inventory(worker.store, seen.held.source)) is None:
        return None
    changes = inventory.changes(before, seen.held)
    upper = replace(lower, digest=seen.digest, depth=lower.depth + 1, hidden=lower.hidden + changes.hidden)
    is_base = changes.copied > _WORTH
    if upper.hidden > seen.held.weight // 2 or (is_base and upper.depth > _DEEPEST):
        return None
    tree = _written(worker, lower.tree, seen, changes)
    if tree is None:
        return None
    if is_base:
        keep(worker.store, key, replace(upper, tree=tree), seen.held)
    elif renewed := inventory.renewed(before, seen.held, changes):
        _write(worker.store, lower.tree, renewed)
    return one(seen.digest, tree)


def keep(store: Store, key: bytes, base: LowerImport, held: Inventory) -> None:
    """Have later imports under ``key`` lie on this one, no longer on the one before, if that spares them enough."""
    if not key or held.weight < _WORTH:
        return
    before = _recall(store, key)
    _write(store, base.tree, held)
    kept = json.dumps([base.digest, base.tree.id, base.depth, base.hidden])
    host_content.keep(store, {key: kept.encode()}, ())
    if before and before.tree != base.tree:
        _place(store, before.tree).unlink(missing_ok=True)


def _write(store: Store, tree: Snapshot, held: Inventory) -> None:
    with store.temp_dir() as work:
        with (work / "held").open("wb") as file:
            file.writelines(held.pieces())
        (work / "held").rename(_place(store, tree))


def _written(worker: Worker, lower: Snapshot, seen: Seen, changes: Difference) -> Snapshot | None:
    """The snapshot with the changes on the tree ``lower``, recorded; None where they are no longer what was seen."""
    with worker.snapshots.view(lower) as below, worker.snapshots.layer(lower) as draft:
        target = CopyTarget(str(draft.upper), str(below))
        draft.settle = target.settle
        for path in changes.gone:
            target.make_parents(path)
            target.white_out(path)
        copier = Copier(CopySource(seen.root, changing=True), target, Metadata(ROOT))
        copier.tree(_entries(copier, changes.new), "")
        if not _are(copier, changes.new):
            return None
        with worker.store.transaction():
            tree = draft.commit()
            layer_index.record_joined(worker.store, tree)
            worker.store.record([seen.digest], one(seen.digest, tree))
        return tree


def _recall(store: Store, key: bytes) -> LowerImport | None:
    kept = host_content.one(store, key) if key else b""
    if not kept:
        return None
    digest, number, depth, hidden = json.loads(kept)
    tree = store.snapshot(number)
    return LowerImport(digest, tree, depth, hidden) if tree else None


def _place(store: Store, tree: Snapshot) -> Path:
    directory = store.own_directory(tree)
    return directory.with_name(f"{directory.name}.held")


def _entries(copier: Copier, paths: Iterable[str]) -> Iterator[Entry]:
    """The entries at ``paths`` as they are now, each when its parents are there."""
    for path in paths:
        copier.target.make_parents(path)
        yield Entry(path, os.lstat(f"{copier.source.root}/{path}"))


def _are(copier: Copier, lines: Mapping[str, bytes]) -> bool:
    """Whether the copies are what was seen there; attributes of what they replace or lie in go first."""
    for path, line in lines.items():
        own = copier.target.own(path)
        xattrs.drop_others(f"{copier.source.root}/{path}", own)
        if treehash.line(own, Entry(path, os.lstat(own))) != line:
            return False
    return True
