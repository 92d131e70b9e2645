"""Published images as a registry tells of them, and indexes made of images that are there already."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from baselard.oci.media_types import OCI_INDEX, OCI_MANIFEST
from baselard.oci.registry.repository import Answer
from pipeline.errors import BaselardError
from pipeline.registry.client import AwaitedRepository, document

REFERENCE_TYPE = "vnd.docker.reference.type"
"""The annotation by which BuildKit's statements are known among the images of an index."""


@dataclass(frozen=True)
class PlatformImage:
    """One platform's image: its manifest's digest and the bytes that a pull moves, of which its layers are most."""

    platform: str
    digest: str
    size: int
    created: str = ""
    media_type: str = ""
    manifest_size: int = 0
    layers_size: int = 0
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Published:
    """The manifest that a tag or digest stands for."""

    digest: str
    platforms: tuple[PlatformImage, ...]


async def read(repository: AwaitedRepository, reference: str) -> Published | None:
    """Fetch manifests and configs, every digest compared with the bytes; None when the reference is not there."""
    answer = await repository.manifest(reference)
    if answer is None:
        return None
    manifest = document(answer.body, reference)
    if "manifests" not in manifest:
        return Published(answer.digest, (await _image(repository, answer, manifest),))
    images = []
    for child in manifest["manifests"]:
        found = await repository.manifest(child["digest"])
        if found is None:
            raise BaselardError(f"{reference}: the index names {child['digest']}, which is not there")
        if REFERENCE_TYPE in (child.get("annotations") or {}):
            continue  # what BuildKit says about one of the images
        images.append(await _image(repository, found, document(found.body, found.digest)))
    return Published(answer.digest, tuple(images))


async def _image(repository: AwaitedRepository, answer: Answer, manifest: Mapping[str, Any]) -> PlatformImage:
    described = manifest.get("config")
    if described is None:
        raise BaselardError(f"{answer.digest} is an index inside an index, or a manifest of no image")
    config = await repository.blob(described["digest"])
    if config is None:
        raise BaselardError(f"{answer.digest}: its config {described['digest']} is missing")
    facts = document(config, f"{answer.digest}: its config {described['digest']}")
    parts = [facts.get("os", "linux"), facts.get("architecture", ""), facts.get("variant", "")]
    platform = "/".join(part for part in parts if part)
    published = of_manifest(platform, answer.digest, answer.body, manifest)
    return replace(published, created=str(facts.get("created") or ""), media_type=answer.media_type)


def of_manifest(platform: str, digest: str, body: bytes, document: Mapping[str, Any]) -> PlatformImage:
    """An image as its manifest tells of it."""
    layers = sum(int(part["size"]) for part in document["layers"])
    size = len(body) + int(document["config"]["size"]) + layers
    said = tuple(sorted((document.get("annotations") or {}).items()))
    kind = document.get("mediaType", OCI_MANIFEST)
    return PlatformImage(
        platform, digest, size, media_type=kind, manifest_size=len(body), layers_size=layers, annotations=said
    )


def compose(images: Sequence[PlatformImage], others: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """An OCI index of these images, by platform, with the annotations that all of them have; then other descriptors.

    BaselardError when two are for the same platform.
    """
    ordered = sorted(images, key=lambda image: image.platform)
    for one, other in itertools.pairwise(ordered):
        if one.platform == other.platform:
            raise BaselardError(f"two images for {one.platform}: {one.digest} and {other.digest}")
    listed = [*map(_descriptor, ordered), *others]
    document: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    if shared := set.intersection(*(set(image.annotations) for image in ordered)):
        document["annotations"] = dict(sorted(shared))
    return json.dumps(document, separators=(",", ":")).encode()


def _descriptor(image: PlatformImage) -> dict[str, Any]:
    names = ("os", "architecture", "variant")
    platform = dict(zip(names, image.platform.split("/"), strict=False))
    return {
        "mediaType": image.media_type,
        "digest": image.digest,
        "size": image.manifest_size,
        "platform": platform,
    }
