"""An image as an OCI archive: its digest, and what its layers weigh."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagger
from dagger import dag

from baselard.oci import digests
from pipeline.registry.index import PlatformImage, of_manifest

# Unpacked sizes are those of the layers' tars, which a manifest does not tell.
_UNPACK = """\
set -eu
mkdir -p /out/blobs/sha256
tar -C /tmp -xf /image.tar
cp /tmp/index.json /out/
for blob in /tmp/blobs/sha256/*; do
  name=${blob##*/}
  case $(head -c 1 "$blob") in '{') cp "$blob" /out/blobs/sha256/ ;; esac
  printf '%s %s\\n' "sha256:$name" "$( (zcat -f "$blob" 2>/dev/null || true) | wc -c)"
done >/out/sizes
"""


@dataclass(frozen=True)
class PackedLayer:
    """One layer: bytes compressed and unpacked, and the instruction that made it."""

    digest: str
    compressed: int
    unpacked: int
    created_by: str


@dataclass(frozen=True)
class PackedImage:
    """An image: its manifest's digest, and its layers from the lowest."""

    digest: str
    layers: tuple[PackedLayer, ...]

    @property
    def compressed(self) -> int:
        return sum(layer.compressed for layer in self.layers)

    @property
    def unpacked(self) -> int:
        return sum(layer.unpacked for layer in self.layers)


async def identify(image: dagger.Container, platform: str = "") -> PlatformImage:
    """What a registry will call this image when it is pushed: its manifest's digest and size, read from the archive."""
    packed = _beside(image)

    async def member(name: str) -> str:
        return await packed.with_exec(["tar", "-xOf", "/image.tar", name]).stdout()

    digest, text = await first_manifest(member)
    return of_manifest(platform or str(await image.platform()), digest, text.encode(), json.loads(text))


async def read(image: dagger.Container) -> PackedImage:
    """Pack the image and read what the archive says about it."""
    out = _beside(image).with_exec(["sh", "-c", _UNPACK]).directory("/out")

    async def member(name: str) -> str:
        return await out.file(name).contents()

    digest, text = await first_manifest(member)
    document = json.loads(text)
    sizes = dict(line.split() for line in (await member("sizes")).splitlines())
    config = json.loads(await member(digests.blob_path(str(document["config"]["digest"]))))
    return PackedImage(digest, layers(document["layers"], config.get("history") or [], sizes))


def _beside(image: dagger.Container) -> dagger.Container:
    """A Debian with the image's archive: it is looked into where it is, since its gigabytes stay in the engine."""
    return dag.container().from_("debian:trixie-slim").with_mounted_file("/image.tar", image.as_tarball())


async def first_manifest(member: Callable[[str], Awaitable[str]]) -> tuple[str, str]:
    """The digest and the text of an OCI layout's first manifest, through however many indexes; `member` gives files."""
    digest, text = "", await member("index.json")
    while "manifests" in (document := json.loads(text)):
        digest = str(document["manifests"][0]["digest"])
        text = await member(digests.blob_path(digest))
    return digest, text


def layers(
    described: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]], sizes: Mapping[str, str]
) -> tuple[PackedLayer, ...]:
    """Layers with the history entries that made them; where the history does not fit, it is left out."""
    made = [str(entry.get("created_by", "")) for entry in history if not entry.get("empty_layer")]
    names = made if len(made) == len(described) else [""] * len(described)
    return tuple(
        PackedLayer(one["digest"], int(one["size"]), int(sizes.get(one["digest"], one["size"])), name)
        for one, name in zip(described, names, strict=True)
    )
