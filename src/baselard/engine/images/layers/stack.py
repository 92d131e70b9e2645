"""Turns an image's layers into snapshots: each is unpacked on its own, side by side, then they are stacked."""

import os
import shutil
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files.inside import Names
from baselard.engine.images.layers import keeping
from baselard.engine.images.layers.arriving import Arriving
from baselard.engine.images.layers.keeping import IndexedLayer, UnpackedLayer
from baselard.engine.images.layers.tree import LayerTree, shown
from baselard.engine.solver import cancel
from baselard.engine.store import indexes, layer_index, overlay, tars
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import Layer
from baselard.engine.store.snapshots import Snapshots
from baselard.oci import digests

AT_ONCE = min(4, os.cpu_count() or 1)
_LARGE = 4 << 20  # bytes of a blob: less is unpacked as quickly, and needs no mount in each process

Blob = Callable[[], Path | Arriving]
"""Gives a layer's blob, of which all need not be there yet."""


def chain_ids(diff_ids: Sequence[str]) -> tuple[str, ...]:
    """The chain id of each layer with all below it (OCI image spec, config.md, "Layer ChainID")."""
    chains: list[str] = []
    for diff_id in diff_ids:
        chains.append(digests.of_bytes(f"{chains[-1]} {diff_id}".encode()) if chains else diff_id)
    return tuple(chains)


def known(snapshots: Snapshots, chain: str) -> Snapshot | None:
    """The snapshot with all layers of the chain id ``chain``, if they were unpacked before."""
    return layer_index.chain_snapshot(snapshots.store, chain)


def stack(
    snapshots: Snapshots, layers: Sequence[Layer], blobs: Sequence[Blob], stamps: Sequence[str] = ()
) -> Snapshot | None:
    """The snapshot with all of ``layers``, lowest first; those the store has unpacked before are not looked at.

    ``stamps`` say for each how it was packed (baselard.engine.store.layer_index); without them all came with an image.
    ``blobs`` are called from several threads. Each layer's content must have its ``diff_id`` as digest. Raises
    UserError for a layer that is hostile, broken or another one than announced.
    """
    chains = chain_ids([layer.diff_id for layer in layers])
    there, top = _known(snapshots, chains)
    store = snapshots.store
    with store.temp_dir() as work, ThreadPoolExecutor(AT_ONCE, "unpack") as pool:
        jobs = [
            pool.submit(copy_context().run, partial(take, store, layers[at], blobs[at], work / str(at), lowest=at == 0))
            for at in range(there, len(layers))
        ]
        try:
            for at, job in enumerate(jobs, there):
                cancel.current().check()
                taken = job.result()
                fit(snapshots, top, taken)
                top = store.add_snapshot(top, taken.tree, is_index=isinstance(taken, IndexedLayer))
                layer_index.record_chain(store, chains[at], top)
                stamp = stamps[at] if stamps else layer_index.GIVEN
                layer_index.record_layer(store, top, top.parent, stamp, layers[at])
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return top


def _known(snapshots: Snapshots, chains: Sequence[str]) -> tuple[int, Snapshot | None]:
    """How many of the lowest layers are there already, and as what."""
    for count in range(len(chains), 0, -1):
        if snapshot := known(snapshots, chains[count - 1]):
            return count, snapshot
    return 0, None


def take(store: Store, layer: Layer, blob: Blob, tree: Path, *, lowest: bool) -> UnpackedLayer | IndexedLayer:
    """Take one layer by itself, in the new directory ``tree``: large ones are not unpacked where the kernel needs no
    files. Raises UserError, as ``stack`` does."""
    path = blob()
    tree.mkdir()
    tree.chmod(0o755)
    if layer.size >= _LARGE and keeping.available(store):
        return keeping.indexed(layer, path, tree, lowest=lowest)
    return keeping.unpacked(layer, path, tree, lowest=lowest)


def fit(snapshots: Snapshots, parent: Snapshot | None, taken: UnpackedLayer | IndexedLayer) -> None:
    """Do to one layer, which is to lie on ``parent``, what only the layers below could tell. Raises UserError."""
    if isinstance(taken, IndexedLayer):
        keeping.finish(taken, snapshots.store.layer_path(parent) if parent else None)
        return
    left = taken.left
    if parent and (left.implied or left.links or left.whiteouts):
        with snapshots.view(parent) as below, LayerTree.at(below) as lower, LayerTree.at(taken.tree) as upper:
            for names in left.whiteouts:
                overlay.drop_idle(lower.root, upper.root, names)
            for names in left.implied:
                _dress_as_below(lower, upper, names)
            for names, target in left.links:
                _copy_from_below(lower, upper, names, target)
    elif left.links:
        raise UserError(f"layer entry {shown(b'/'.join(left.links[0][0]))}: its hard link's target is not there")


def settle_indexed(snapshots: Snapshots) -> None:
    """Unpack the layers that another engine left as an index, where this one cannot mount it.

    A store may come from another kernel, or be used in a container.
    """
    store = snapshots.store
    numbers = sorted(store.indexed())
    try:
        for number in numbers[:1]:
            indexes.show(store.own_directory(Snapshot(number)))
    except OSError:
        for number in numbers:
            if snapshot := store.snapshot(number):
                _unpack_indexed(store, snapshot)


def _unpack_indexed(store: Store, snapshot: Snapshot) -> None:
    with store.temp_dir() as work:
        lowest = snapshot.parent is None
        taken = keeping.unpacked_again(store.own_directory(snapshot), work / "tree", lowest=lowest)
        if snapshot.parent and () in taken.left.implied:
            overlay.copy_attributes(os.fspath(store.layer_path(snapshot.parent)), os.fspath(taken.tree))
        tars.settle(store, snapshot, taken.tree)


def _dress_as_below(lower: LayerTree, upper: LayerTree, names: Names) -> None:
    """A directory the layer went through without describing it keeps what it is below."""
    try:
        source = lower.open_directory(names)
    except (OSError, UserError):
        return
    try:
        target = upper.open_directory(names)
        try:
            overlay.copy_attributes(f"/proc/self/fd/{source}", f"/proc/self/fd/{target}")
        finally:
            os.close(target)
    finally:
        os.close(source)


def _copy_from_below(lower: LayerTree, upper: LayerTree, names: Names, target: Names) -> None:
    """A hard link to a file of a lower layer is a copy of it, as overlayfs would make at the first write."""
    try:
        there = lower.open_parent(target, make=False)
        kind = os.lstat(target[-1], dir_fd=there).st_mode
    except OSError:
        raise UserError(f"layer entry {shown(b'/'.join(names))}: its hard link's target is not there") from None
    if not stat.S_ISREG(kind):
        raise UserError(f"layer entry {shown(b'/'.join(names))}: its hard link's target is not a file")
    here = upper.open_parent(names)
    before = os.fstat(here)
    source = b"/proc/self/fd/%d/%s" % (there, target[-1])
    copy = b"/proc/self/fd/%d/%s" % (here, names[-1])
    info = os.lstat(source)
    shutil.copyfile(source, copy, follow_symlinks=False)
    os.chown(copy, info.st_uid, info.st_gid, follow_symlinks=False)
    shutil.copystat(source, copy, follow_symlinks=False)
    os.utime(here, ns=(before.st_atime_ns, before.st_mtime_ns))
