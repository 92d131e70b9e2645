"""Takes an archive's layers into the store: unpacked as snapshots, and kept as blobs."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.images.archive_read import Archive, Chosen
from baselard.engine.images.layers import stack
from baselard.engine.images.layers.arriving import Arriving
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import Layer
from baselard.engine.store.snapshots import Snapshots
from baselard.oci import digests


def unpack(snapshots: Snapshots, archive: Archive, chosen: Chosen) -> Snapshot | None:
    """Stack the chosen image's layers as snapshots, and keep them as blobs, each checked."""
    store = snapshots.store
    with store.temp_dir() as work, ThreadPoolExecutor(2, "copy") as pool:
        parts = [
            _Part(store, archive, _identified(store, archive, layer, name), name, work / str(at), pool)
            for at, (layer, name) in enumerate(zip(chosen.layers, chosen.blobs, strict=True))
        ]
        try:
            tree = stack.stack(snapshots, [part.layer for part in parts], [part.take for part in parts])
        except UserError:
            for part in parts:
                part.check()  # a blob that is broken says more than what came out of it
            raise
        for part in parts:
            part.keep()
    return tree


def _identified(store: Store, archive: Archive, layer: Layer, name: str) -> Layer:
    """The layer with digest, size and compression as they are in the archive."""
    compression, size = archive.compression(name), archive.size(name)
    if layer.digest:
        return Layer(layer.digest, size, layer.diff_id, compression)
    digest = layer.diff_id if compression == "none" else store.put_blob(archive.chunks(name))
    return Layer(digest, size, layer.diff_id, compression)


@dataclass
class _Part:
    """A layer on its way into the store: a copy at ``copied``, which is kept once its digest was found right. That is
    computed beside the unpacking, and for one that is not compressed by the unpacking, since it is its own content."""

    store: Store
    archive: Archive
    layer: Layer
    name: str
    copied: Path
    pool: ThreadPoolExecutor
    copy: Future[Path] | None = None
    digest: Future[str] | None = None

    def take(self) -> Path | Arriving:
        """The blob to unpack, or as much of it as has been copied."""
        if self.store.has_blob(self.layer.digest):
            return self.store.blob_path(self.layer.digest)
        self.copied.touch()
        self.copy = self.pool.submit(self._copy)
        if self.layer.digest != self.layer.diff_id:
            self.digest = self.pool.submit(_digest, self.copy)
        return Arriving(self.copied, self.copy)

    def check(self) -> None:
        """Wait until the digest is known. Raises UserError when it is another than announced."""
        digest = self.digest.result() if self.digest else self.layer.digest
        if digest != self.layer.digest:
            raise UserError(f"the archive's {self.name} is broken: its digest is {digest}, not {self.layer.digest}")

    def keep(self) -> None:
        """Keep it as a blob, now that what was taken has been unpacked."""
        if self.store.has_blob(self.layer.digest):
            return
        if not self.copy:  # what it was unpacked into was known
            self.copy = self.pool.submit(self._copy)
            self.digest = self.pool.submit(_digest, self.copy)
        self.check()
        self.store.adopt_blob(self.copy.result(), self.layer.digest)

    def _copy(self) -> Path:
        self.archive.copy(self.name, self.copied)
        return self.copied


def _digest(copy: Future[Path]) -> str:
    with copy.result().open("rb") as file:
        return digests.of_file(file)
