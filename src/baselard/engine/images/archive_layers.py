"""Takes an archive's layers into the store: unpacked as snapshots, and kept as blobs."""

from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.images.archive_read import Archive, Chosen
from baselard.engine.images.layers import stack
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import Layer
from baselard.engine.store.snapshots import Snapshots


def unpack(snapshots: Snapshots, archive: Archive, chosen: Chosen) -> Snapshot | None:
    """Stack the chosen image's layers as snapshots, and keep them as blobs, each checked."""
    with snapshots.store.temp_dir() as work:
        parts = [
            _Part(snapshots.store, archive, _identified(snapshots.store, archive, layer, name), name, work / str(at))
            for at, (layer, name) in enumerate(zip(chosen.layers, chosen.blobs, strict=True))
        ]
        tree = stack.stack(snapshots, [part.layer for part in parts], [part.take for part in parts])
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
    """A layer on its way into the store. One that is not compressed is its own content: its digest is checked while it
    is unpacked from the copy at ``copied``, which is kept only then."""

    store: Store
    archive: Archive
    layer: Layer
    name: str
    copied: Path

    def take(self) -> Path:
        """The blob to unpack."""
        if self.layer.digest == self.layer.diff_id and not self.store.has_blob(self.layer.digest):
            self.archive.copy(self.name, self.copied)
            return self.copied
        return self._put()

    def keep(self) -> None:
        """Keep it as a blob, now that what was taken has been unpacked."""
        if self.copied.exists():
            self.store.adopt_blob(self.copied, self.layer.digest)
        else:
            self._put()

    def _put(self) -> Path:
        if not self.store.has_blob(self.layer.digest):
            digest = self.store.put_blob(self.archive.chunks(self.name))
            if digest != self.layer.digest:
                raise UserError(f"the archive's {self.name} is broken: its digest is {digest}, not {self.layer.digest}")
        return self.store.blob_path(self.layer.digest)
