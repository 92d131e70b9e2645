"""Facts of an image archive that no field of the API tells: a whole config, and where a link leads."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

import dagger

from baselard.oci import digests


async def read_archive(container: dagger.Container) -> tuple[Mapping[str, Any], list[tarfile.TarInfo]]:
    """A container's image document and its layers' entries, in one query.

    An archive comes as text: what is in the container must be nothing but small text files, links and directories.
    Raises dagger.QueryError when what leads to the container fails.
    """
    archive = container.as_tarball(forced_compression=dagger.ImageLayerCompression.UNCOMPRESSED)
    with _opened((await archive.contents()).encode()) as tar:
        document = json.loads(_bytes(tar, "index.json"))
        while "manifests" in document:
            document = json.loads(_blob(tar, document["manifests"][0]))
        entries: list[tarfile.TarInfo] = []
        for layer in document["layers"]:
            with _opened(_blob(tar, layer)) as files:
                entries += files.getmembers()
        return json.loads(_blob(tar, document["config"])), entries


def _opened(data: bytes) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(data))


def _blob(tar: tarfile.TarFile, descriptor: Mapping[str, Any]) -> bytes:
    return _bytes(tar, digests.blob_path(str(descriptor["digest"])))


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    return member.read() if member else b""
