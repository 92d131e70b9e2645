"""An image as an OCI archive: its digest, and what its layers weigh."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagger
from dagger import dag

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
class Layer:
    """One layer: bytes compressed and unpacked, and the instruction that made it."""

    digest: str
    compressed: int
    unpacked: int
    created_by: str


@dataclass(frozen=True)
class Archive:
    """An image: its manifest's digest, and its layers from the lowest."""

    digest: str
    layers: tuple[Layer, ...]

    @property
    def compressed(self) -> int:
        return sum(layer.compressed for layer in self.layers)

    @property
    def unpacked(self) -> int:
        return sum(layer.unpacked for layer in self.layers)


async def identify(image: dagger.Container, platform: str = "") -> PlatformImage:
    """What a registry will call this image when it is pushed: its manifest's digest and size, read from the archive."""
    packed = dag.container().from_("debian:trixie-slim").with_mounted_file("/image.tar", image.as_tarball())

    async def member(name: str) -> str:
        return await packed.with_exec(["tar", "-xOf", "/image.tar", name]).stdout()

    described = json.loads(await member("index.json"))["manifests"][0]
    document = json.loads(text := await member(f"blobs/{described['digest'].replace(':', '/')}"))
    if "manifests" in document:
        described = document["manifests"][0]
        document = json.loads(text := await member(f"blobs/{described['digest'].replace(':', '/')}"))
    return of_manifest(platform or str(await image.platform()), described["digest"], text.encode(), document)


async def read(image: dagger.Container) -> Archive:
    """Pack the image and read what the archive says about it."""
    out = (
        dag.container()
        .from_("debian:trixie-slim")
        .with_mounted_file("/image.tar", image.as_tarball())
        .with_exec(["sh", "-c", _UNPACK])
        .directory("/out")
    )

    async def blob(digest: str) -> Any:
        return json.loads(await out.file(f"blobs/{digest.replace(':', '/')}").contents())

    digest = str(json.loads(await out.file("index.json").contents())["manifests"][0]["digest"])
    manifest = await blob(digest)
    if "manifests" in manifest:
        digest = str(manifest["manifests"][0]["digest"])
        manifest = await blob(digest)
    sizes = dict(line.split() for line in (await out.file("sizes").contents()).splitlines())
    config = await blob(str(manifest["config"]["digest"]))
    return Archive(digest, layers(manifest["layers"], config.get("history") or [], sizes))


def layers(
    described: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]], sizes: Mapping[str, str]
) -> tuple[Layer, ...]:
    """Layers with the history entries that made them; where the history does not fit, it is left out."""
    made = [str(entry.get("created_by", "")) for entry in history if not entry.get("empty_layer")]
    names = made if len(made) == len(described) else [""] * len(described)
    return tuple(
        Layer(one["digest"], int(one["size"]), int(sizes.get(one["digest"], one["size"])), name)
        for one, name in zip(described, names, strict=True)
    )
