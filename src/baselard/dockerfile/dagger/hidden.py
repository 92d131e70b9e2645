"""The config keys that the API has no call for, set by importing an image that has nothing else."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from typing import Any

import dagger

from baselard.oci import digests
from baselard.oci.image_config import ImageConfig
from baselard.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from baselard.oci.platforms import Platform

ARCHIVE = "image.tar"


def with_hidden(client: dagger.Client, config: ImageConfig, platform: str) -> dagger.Container:
    """A container of this config and platform without any files."""
    archive = client.directory().with_new_file(ARCHIVE, layout(config, platform)).file(ARCHIVE)
    return client.container(platform=dagger.Platform(platform)).import_(archive)


def layout(config: ImageConfig, platform: str) -> str:
    """An OCI image layout (image-layout.md) without layers, as a tar; it is text, since the API takes no bytes."""
    of = Platform(*platform.split("/"))
    image = _json(replace(config, platform=of).to_json())
    head = {"schemaVersion": 2, "mediaType": OCI_MANIFEST}
    manifest = _json({**head, "config": _descriptor(OCI_CONFIG, image), "layers": []})
    listed = {**_descriptor(OCI_MANIFEST, manifest), "platform": of.to_json()}
    index = _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [listed]})
    files = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": index}
    known = {digests.of_bytes(data): data for data in (image, manifest)}
    blobs = {digests.blob_path(digest): data for digest, data in known.items()}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in digests.directories(known):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, data in {**files, **blobs}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue().decode("ascii")


def _json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True).encode("ascii")


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digests.of_bytes(data), "size": len(data)}
