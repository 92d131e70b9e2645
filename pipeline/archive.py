"""An image as an OCI archive: its digest, and what its layers weigh."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagger
from dagger import dag

from baselard.oci import digests
from pipeline.registry.index import PlatformImage, of_manifest

_LOOK = Path(__file__).with_name("layers.sh")


@dataclass(frozen=True)
class PackedLayer:
    """One layer: bytes compressed and unpacked, the instruction that made it, and bytes that later layers hide."""

    digest: str
    compressed: int
    unpacked: int
    created_by: str
    hidden: int = 0


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

    @property
    def hidden(self) -> int:
        """Bytes that are pulled and unpacked, and never seen: later layers replace or remove them."""
        return sum(layer.hidden for layer in self.layers)


async def identify(image: dagger.Container, platform: str = "") -> PlatformImage:
    """The digest and size of the manifest that a registry will have of this image, read from the archive."""
    packed = _beside(image)

    async def member(name: str) -> str:
        return await packed.with_exec(["tar", "-xOf", "/image.tar", name]).stdout()

    digest, text = await first_manifest(member)
    return of_manifest(platform or str(await image.platform()), digest, text.encode(), json.loads(text))


async def read(image: dagger.Container) -> PackedImage:
    """Pack the image and read what the archive says about it."""
    out = _beside(image).with_exec(["sh", "-c", _LOOK.read_text(encoding="utf-8")]).directory("/out")

    async def member(name: str) -> str:
        return await out.file(name).contents()

    digest, text = await first_manifest(member)
    document = json.loads(text)
    sizes, hidden = _counts(await member("sizes")), _counts(await member("hidden"))
    config = json.loads(await member(digests.blob_path(str(document["config"]["digest"]))))
    return PackedImage(digest, layers(document["layers"], config.get("history") or [], sizes, hidden))


def _counts(text: str) -> dict[str, int]:
    """Lines of a digest and bytes."""
    return {digest: int(count) for digest, count in map(str.split, text.splitlines())}


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
    described: Sequence[Mapping[str, Any]],
    history: Sequence[Mapping[str, Any]],
    sizes: Mapping[str, int],
    hidden: Mapping[str, int],
) -> tuple[PackedLayer, ...]:
    """Layers with the history entries that made them; where the history does not fit, it is left out."""
    commands = [str(entry.get("created_by", "")) for entry in history if not entry.get("empty_layer")]
    names = commands if len(commands) == len(described) else [""] * len(described)
    return tuple(
        PackedLayer(digest, int(one["size"]), sizes.get(digest, int(one["size"])), name, hidden.get(digest, 0))
        for one, name in zip(described, names, strict=True)
        if (digest := str(one["digest"]))
    )
