"""Taking a name away from an image that others still need."""

from __future__ import annotations

import json
import uuid

from baselard.oci.media_types import OCI_INDEX
from pipeline.registry.client import AwaitedRepository


async def untag(repository: AwaitedRepository, tag: str) -> None:
    """Remove a tag and nothing else; BaselardError where the registry does not delete at all.

    Registries before OCI distribution 1.1 refuse to delete a name. There the tag is first moved to an empty index of
    its own, whose digest may then be deleted: as regclient's `regctl tag delete` does it.
    """
    if await repository.delete(tag):
        return
    if await repository.manifest(tag) is None:
        return
    nobody = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [],
        "annotations": {"baselard": uuid.uuid4().hex},
    }
    await repository.delete(await repository.put_manifest(tag, OCI_INDEX, json.dumps(nobody).encode()))
