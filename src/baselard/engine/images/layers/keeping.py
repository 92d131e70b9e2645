"""Makes of a layer's blob what a snapshot needs of it alone: files in a directory, or an index over its tar instead."""

import contextlib
import functools
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.images.layers import erofs, extract, tar_index
from baselard.engine.images.layers.arriving import Arriving, opened, whole
from baselard.engine.images.layers.erofs import Inode
from baselard.engine.images.layers.extract import Leftovers
from baselard.engine.images.layers.stream import Stream, compression_of, decompressed
from baselard.engine.store import ids, indexes, mounting
from baselard.engine.store.database import Store
from baselard.engine.store.layer_index import Layer

_PROBE = b"probe".ljust(erofs.BLOCK, b"\0")


@dataclass(frozen=True)
class UnpackedLayer:
    """A layer's files in the directory ``tree``, and what only the layers below can settle."""

    tree: Path
    left: Leftovers


@dataclass(frozen=True)
class IndexedLayer:
    """A layer's tar in the directory ``tree``, and the inodes of its index, which is still to be written.

    ``described``: the tar has an entry for its root; else that looks as the root below.
    """

    tree: Path
    root: Inode
    described: bool


@functools.lru_cache(1)
def available(store: Store) -> bool:
    """Whether this process can mount an index that lies in this store: a small one is mounted and read to know."""
    if not ids.are_all():
        return False
    with store.temp_dir() as work:
        (work / indexes.TAR).write_bytes(_PROBE)
        file = Inode(stat.S_IFREG | 0o644, size=len(_PROBE))
        root = Inode(stat.S_IFDIR | 0o755, below={b"file": file}, xattrs={"user.probe": b"1"})
        _write(work / indexes.INDEX, root, len(_PROBE))
        (work / "mounted").mkdir()
        try:
            indexes.mount(work, work / "mounted")
        except OSError:
            return False
        try:
            same = (work / "mounted" / "file").read_bytes() == _PROBE
            return same and os.getxattr(work / "mounted", "user.probe") == b"1"
        except OSError:
            return False
        finally:
            mounting.unmount(work / "mounted")


def check(layer: Layer, blob: Path) -> None:
    """Raise UserError where the layer's content is not what was announced."""
    with opened(blob) as file, Stream(decompressed(file)) as stream:
        stream.drain()
        _check(layer, stream.digest)


def unpacked(layer: Layer, blob: Path | Arriving, tree: Path, *, lowest: bool) -> UnpackedLayer:
    """The layer's files, in the empty directory ``tree``."""
    with opened(blob) as file, Stream(decompressed(file)) as stream:
        left = extract.unpack(stream, tree, lowest=lowest)
        stream.drain()
        _check(layer, stream.digest)
    return UnpackedLayer(tree, left)


def indexed(layer: Layer, blob: Path | Arriving, tree: Path, *, lowest: bool) -> IndexedLayer | UnpackedLayer:
    """The layer's tar and what an index says of it; its files, when there is something that no index can tell."""
    tar, root, described = tree / indexes.TAR, None, False
    with opened(blob) as file, contextlib.ExitStack() as files:
        head = file.read(4)
        file.seek(-len(head), 1)
        plain = compression_of(head) == "none"
        copy = None if plain else files.enter_context(tar.open("xb"))
        with Stream(decompressed(file), copy) as stream:
            with contextlib.suppress(tar_index.UnusualError):
                root, described = tar_index.read(stream, lowest=lowest)
            stream.drain()
        _check(layer, stream.digest)
    if root is None:
        aside = whole(blob) if plain else tar.rename(tree.with_name(f"{tree.name}.tar"))
        return unpacked(layer, aside, tree, lowest=lowest)
    if plain:
        os.link(whole(blob), tar)
    return IndexedLayer(tree, root, described)


def finish(taken: IndexedLayer, below: Path | None) -> None:
    """Write the index. ``below`` is the directory whose looks the root takes where its own are not described."""
    if below and not taken.described:
        info = below.stat()
        taken.root.mode, taken.root.uid, taken.root.gid = info.st_mode, info.st_uid, info.st_gid
        taken.root.mtime = info.st_mtime_ns
        taken.root.xattrs = {name: os.getxattr(below, name) for name in os.listxattr(below) if erofs.holds(name)}
    _write(taken.tree / indexes.INDEX, taken.root, (taken.tree / indexes.TAR).stat().st_size)


def unpacked_again(directory: Path, tree: Path, *, lowest: bool) -> UnpackedLayer:
    """The files of a layer that was kept in ``directory`` as an index over its tar."""
    tree.mkdir()
    tree.chmod(0o755)
    with (directory / indexes.TAR).open("rb") as file, Stream(decompressed(file)) as stream:
        return UnpackedLayer(tree, extract.unpack(stream, tree, lowest=lowest))


def _write(path: Path, root: Inode, tar_size: int) -> None:
    with path.open("xb") as file:
        file.writelines(erofs.written(root, tar_size))


def _check(layer: Layer, digest: str) -> None:
    if digest != layer.diff_id:
        raise UserError(f"layer {layer.digest}: its content is {digest}, but the image says {layer.diff_id}")
