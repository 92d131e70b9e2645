"""Packs snapshots into layers, each once in the store's life; layers of a pulled image are handed on as they are."""

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.images.layers import generate, packed
from baselard.engine.images.layers.compress import compressed
from baselard.engine.images.layers.groups import Group
from baselard.engine.images.layers.stream import Stream, decompressed
from baselard.engine.solver import cancel
from baselard.engine.store import layer_index
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import GIVEN, Layer
from baselard.engine.store.snapshots import ancestry
from baselard.oci import digests

_locks: dict[tuple[object, ...], threading.Lock] = {}
_locks_mutex = threading.Lock()


@dataclass
class _Count:
    """Digests and counts what passes."""

    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    size: int = 0

    def through(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            cancel.current().check()
            self.digest.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def name(self) -> str:
        return digests.of_hash(self.digest)


def pack(store: Store, group: Group, *, compression: str = "", epoch: int | None = None) -> Layer:
    """The group as a blob in the store, in a compression of a Layer or, with ``""``, the bytes it came with, else gzip.

    ``epoch`` holds time stamps down (SOURCE_DATE_EPOCH, seconds). Asked for the same twice, at once or later, it is
    packed once. What it was packed into before for another purpose makes no difference to the result. Raises HostError
    for a layer of an imported cache that is not what was announced.
    """
    packed.check(store, group.top)
    stamp = "" if epoch is None else str(epoch)
    with _lock(store.root, group.top.id, group.below, compression, stamp):
        given = layer_index.packed(store, group.top, group.below, GIVEN, compression)
        wanted = compression or "gzip"
        if known := given or layer_index.packed(store, group.top, group.below, stamp, wanted):
            return known
        other = layer_index.packed(store, group.top, group.below, stamp)
        content = _again(store, other) if other else _tar(store, group, epoch)
        layer = _write(store, content, wanted)
        layer_index.record_layer(store, group.top, group.below, stamp, layer)
        return layer


def _tar(store: Store, group: Group, epoch: int | None) -> Iterator[bytes]:
    trees = [str(store.layer_path(link)) for link in _members(group)]
    return generate.tar(trees, latest=epoch, root=_changes_root(store, group), lowest=group.below is None)


def _members(group: Group) -> Iterator[Snapshot]:
    for link in ancestry(group.top):
        if group.below and link.id == group.below.id:
            return
        yield link


def _changes_root(store: Store, group: Group) -> bool:
    """Whether the root directory itself is another than below; an ordinary one needs no entry of its own."""
    info = store.layer_path(group.top).stat()
    usual = (0o40755, 0, 0)
    if group.below:
        below = store.layer_path(group.below).stat()
        usual = (below.st_mode, below.st_uid, below.st_gid)
    return (info.st_mode, info.st_uid, info.st_gid) != usual


def _again(store: Store, layer: Layer) -> Iterator[bytes]:
    """The layer's own bytes, so that it keeps its diff id under another compression."""
    with store.blob_path(layer.digest).open("rb") as file:
        yield from decompressed(file)


def _write(store: Store, content: Iterator[bytes], compression: str) -> Layer:
    packed = _Count()
    with store.temp_dir() as directory:
        path = directory / "layer"
        with Stream(content) as ahead, path.open("wb", buffering=0) as file:
            for chunk in packed.through(compressed(ahead.chunks(), compression)):
                file.write(chunk)
        layer = Layer(packed.name, packed.size, ahead.digest, compression)
        store.adopt_blob(path, layer.digest)
    return layer


def _lock(root: Path, *what: object) -> threading.Lock:
    with _locks_mutex:
        return _locks.setdefault((os.fspath(root), *what), threading.Lock())
