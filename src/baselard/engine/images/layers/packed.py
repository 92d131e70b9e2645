"""Layers that were taken over as they are, and are unpacked when somebody looks: most of an exported cache never is."""

import contextlib
import functools
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

from baselard.engine.errors import HostError, UserError
from baselard.engine.files import merging
from baselard.engine.images.layers import keeping, stack
from baselard.engine.images.layers.keeping import IndexedLayer, UnpackedLayer
from baselard.engine.solver import cancel
from baselard.engine.store import locks, tars
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import Layer
from baselard.engine.store.snapshots import ancestry


def unpack(store: Store, snapshot: Snapshot) -> None:
    """Make the files of a snapshot, and of all below it, that are packed; once among threads and processes.

    A layer that is hostile, or not what was announced, is given up, so that the next run makes its tree anew. Raises
    HostError then.
    """
    with locks.exclusive(store.root / "unpacking"):
        known = tars.packed(store)
        waiting = [link for link in ancestry(snapshot) if link.id in known][::-1]
        with store.temp_dir() as work, ThreadPoolExecutor(stack.AT_ONCE, "unpack") as pool:
            jobs = [pool.submit(copy_context().run, _take, store, link, known[link.id], work) for link in waiting]
            try:
                for link, job in zip(waiting, jobs, strict=True):
                    cancel.current().check()
                    _settle(store, link, known[link.id], job)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _take(store: Store, link: Snapshot, layer: Layer, work: Path) -> UnpackedLayer | IndexedLayer:
    blob = store.blob_path(layer.digest)
    return stack.take(store, layer, lambda: blob, work / link.name, lowest=link.parent is None)


def _settle(store: Store, link: Snapshot, layer: Layer, job: "Future[UnpackedLayer | IndexedLayer]") -> None:
    with _given_up(store, layer):
        taken = job.result()
        stack.fit(merging.snapshots(store), link.parent, taken)
    tars.settle(store, link, taken.tree, is_index=isinstance(taken, IndexedLayer))


def check(store: Store, snapshot: Snapshot) -> None:
    """See that a snapshot's own layer, if it is packed, is what was announced: it is about to be handed on.

    Raises HostError, as ``unpack`` does.
    """
    if snapshot.as_tar and (layer := tars.packed(store).get(snapshot.id)):
        _check(store, layer)


@functools.lru_cache(4096)
def _check(store: Store, layer: Layer) -> None:
    with _given_up(store, layer):
        keeping.check(layer, store.blob_path(layer.digest))


@contextlib.contextmanager
def _given_up(store: Store, layer: Layer) -> Iterator[None]:
    """Give the layer up where it turns out to be broken, hostile or another one. Raises HostError then."""
    try:
        yield
    except UserError as error:
        tars.give_up(store, layer)
        raise HostError(
            f"an imported cache has a layer that cannot be used ({error}); it is forgotten now: run again"
        ) from error
