"""Taking a name away from an image that others still need."""

from __future__ import annotations

import json
import uuid

from baselard.oci.media_types import OCI_INDEX
from pipeline.errors import BaselardError
from pipeline.registry.client import AwaitedRepository, say


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


async def let_go(repository: AwaitedRepository, tag: str) -> None:
    """The same of a test tag that has served. Where the registry deletes nothing, as GitHub's, it is said to stay."""
    try:
        await untag(repository, tag)
    except BaselardError as error:
        say(f"the test tag {tag} stays for cleanup, which has other ways: {error}")
