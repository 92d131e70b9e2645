"""Statements as BuildKit has them: a manifest beside each image in the index, for whatever shows only these.

https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from baselard.oci import digests
from baselard.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from pipeline.proof import attaching
from pipeline.proof.signing import Signer
from pipeline.proof.statement import MEDIA_TYPE, SIGNATURE, Statement
from pipeline.registry import index
from pipeline.registry.client import AwaitedRepository
from pipeline.registry.index import PlatformImage

STYLE = "buildkit"
_NOWHERE = {"architecture": "unknown", "os": "unknown"}


async def put_index(repository: AwaitedRepository, images: Sequence[PlatformImage], signer: Signer | None) -> str:
    """Store an index of images with what is attached to each; its digest. Equal statements give an equal digest."""
    described = []
    for image in sorted(images, key=lambda one: one.platform):
        known = await attaching.held(repository, image.digest, signer)
        by_type = {one.predicate_type: one for one in reversed(known.statements) if one.predicate_type != SIGNATURE}
        if by_type:
            listed = [by_type[name] for name in sorted(by_type)]
            described.append(descriptor(image.digest, await _put(repository, listed)))
    body = index.compose(images, described)
    digest = digests.of_bytes(body)
    if await repository.manifest(digest) is None:
        await repository.put_manifest(digest, OCI_INDEX, body)
    return digest


async def _put(repository: AwaitedRepository, statements: Sequence[Statement]) -> bytes:
    bodies = [one.body for one in statements]
    config, body = manifest(statements)
    if await repository.manifest(digests.of_bytes(body)) is None:
        for part in (*bodies, config):
            await repository.put_blob(part)
        await repository.put_manifest(digests.of_bytes(body), OCI_MANIFEST, body)
    return body


def manifest(statements: Sequence[Statement]) -> tuple[bytes, bytes]:
    """The config and the manifest of these statements about one image."""
    layers = [
        {
            "mediaType": MEDIA_TYPE,
            "digest": digests.of_bytes(one.body),
            "size": len(one.body),
            "annotations": {"in-toto.io/predicate-type": one.predicate_type},
        }
        for one in statements
    ]
    rootfs = {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}
    config = _encoded({**_NOWHERE, "config": {}, "rootfs": rootfs})
    described = {"mediaType": OCI_CONFIG, "digest": digests.of_bytes(config), "size": len(config)}
    return config, _encoded({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": layers})


def descriptor(image: str, body: bytes) -> dict[str, Any]:
    """How an index lists a manifest of statements about the image of this digest."""
    return {
        "mediaType": OCI_MANIFEST,
        "digest": digests.of_bytes(body),
        "size": len(body),
        "annotations": {index.REFERENCE_TYPE: "attestation-manifest", "vnd.docker.reference.digest": image},
        "platform": _NOWHERE,
    }


def _encoded(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
