"""Writes an image archive that OCI tools and ``docker load`` both read: an OCI layout with Docker's manifest.json."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from baselard.engine.files.file_bytes import copy_range
from baselard.engine.images import manifest
from baselard.engine.images.layers import tar_write
from baselard.engine.images.layers.tar_read import DIRECTORY, REGULAR, TarEntry
from baselard.engine.images.writing import Whole
from baselard.engine.store.database import Store
from baselard.oci import digests, media_types

_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


def write(store: Store, whole: Whole, path: Path, names: tuple[str, ...] = ()) -> None:
    """Write the archive to ``path``, mode 0600. ``names`` are references that docker gives the image on loading."""
    with path.open("xb") as file:
        path.chmod(0o600)
        for name, content in _members(store, whole, names):
            _add(file, name, content)
        file.write(tar_write.END)


def _members(store: Store, whole: Whole, names: tuple[str, ...]) -> Iterator[tuple[str, bytes | Path | None]]:
    """Every file of the archive, each once, blobs in the order of their digests; directories hold None.

    Those are there because tools make missing ones root's, which no plain user may (skopeo 1.18).
    """
    blobs: dict[str, bytes | Path] = {whole.descriptor.digest: whole.data}
    for image in whole.images:
        blobs[image.descriptor.digest] = image.data
        for part in (image.manifest.config, *image.manifest.layers):
            blobs[part.digest] = store.blob_path(part.digest)
    yield "oci-layout", _LAYOUT
    for directory in digests.directories(blobs):
        yield directory, None
    for digest in sorted(blobs):
        yield digests.blob_path(digest), blobs[digest]
    yield "index.json", _top(whole, names)
    yield "manifest.json", _docker(whole, names)


def _top(whole: Whole, names: tuple[str, ...]) -> bytes:
    plain = whole.descriptor.to_json()
    tops = [{**plain, "annotations": {manifest.REF_NAME: name}} for name in names] or [plain]
    return manifest.encode({"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": tops})


def _docker(whole: Whole, names: tuple[str, ...]) -> bytes:
    """Docker's own list of images (moby, image/spec/v1.2); it knows one platform, so the first one's."""
    image = whole.images[0].manifest
    layers = [digests.blob_path(layer.digest) for layer in image.layers]
    entry = {"Config": digests.blob_path(image.config.digest), "RepoTags": list(names) or None, "Layers": layers}
    return manifest.encode([entry])


def _add(file: IO[bytes], name: str, content: bytes | Path | None) -> None:
    if content is None:
        file.write(tar_write.header(TarEntry(name.encode(), DIRECTORY, mode=0o755)))
        return
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    file.write(tar_write.header(TarEntry(name.encode(), REGULAR, mode=0o644, size=size)))
    if isinstance(content, bytes):
        file.write(content)
    else:
        file.flush()  # the kernel copies behind the buffer's back
        with content.open("rb") as blob:
            copy_range(blob.fileno(), file.fileno(), 0, size, shift=file.tell())
        file.seek(size, os.SEEK_CUR)
    file.write(tar_write.padding(size))
