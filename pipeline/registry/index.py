"""Published images as a registry tells of them, and indexes made of images that are there already."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distribution.media_types import OCI_INDEX
from distribution.repository import Answer
from pipeline.errors import BaselardError
from pipeline.registry.client import Repository


@dataclass(frozen=True)
class PlatformImage:
    """One platform's image: its manifest's digest and the bytes that a pull moves."""

    platform: str
    digest: str
    size: int
    created: str = ""
    media_type: str = ""
    manifest_size: int = 0


@dataclass(frozen=True)
class Published:
    """What a tag or digest stands for."""

    digest: str
    platforms: tuple[PlatformImage, ...]


async def read(repository: Repository, reference: str) -> Published | None:
    """Fetch manifests and configs, every digest compared with the bytes; None when the reference is not there."""
    answer = await repository.manifest(reference)
    if answer is None:
        return None
    document = json.loads(answer.body)
    if "manifests" not in document:
        return Published(answer.digest, (await _image(repository, answer, document),))
    images = []
    for child in document["manifests"]:
        found = await repository.manifest(child["digest"])
        if found is None:
            raise BaselardError(f"{reference}: the index names {child['digest']}, which is not there")
        images.append(await _image(repository, found, json.loads(found.body)))
    return Published(answer.digest, tuple(images))


async def _image(repository: Repository, answer: Answer, document: Any) -> PlatformImage:
    described = document["config"]
    config = await repository.blob(described["digest"])
    if config is None:
        raise BaselardError(f"{answer.digest}: its config {described['digest']} is missing")
    facts = json.loads(config)
    parts = [facts.get("os", "linux"), facts.get("architecture", ""), facts.get("variant", "")]
    size = len(answer.body) + sum(int(part["size"]) for part in [described, *document["layers"]])
    platform = "/".join(part for part in parts if part)
    return PlatformImage(
        platform, answer.digest, size, str(facts.get("created", "")), answer.media_type, len(answer.body)
    )


def compose(images: Sequence[PlatformImage]) -> bytes:
    """An OCI index of these images, by platform; BaselardError when two are for the same one."""
    ordered = sorted(images, key=lambda image: image.platform)
    for one, other in itertools.pairwise(ordered):
        if one.platform == other.platform:
            raise BaselardError(f"two images for {one.platform}: {one.digest} and {other.digest}")
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_descriptor(image) for image in ordered]}
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
