"""The way by which a registry lets images go, told by its host or by where it signs in."""

from __future__ import annotations

from baselard.oci.reference import DEFAULT_REGISTRY, Reference
from baselard.oci.registry.credential import Credential
from pipeline.errors import UsageError
from pipeline.registry import docker_hub, github, gitlab
from pipeline.registry.client import AwaitedRepository, awaited
from pipeline.registry.removal import ByRegistry, Removal


async def of(repository: AwaitedRepository, reference: Reference, credential: Credential | None) -> Removal:
    """The way of this repository; UsageError where it wants somebody who signs in."""
    if reference.registry == github.HOST:
        return github.beside(repository, reference, _known(reference, credential, "GitHub").password)
    if reference.registry == DEFAULT_REGISTRY:
        return docker_hub.beside(repository, reference, _known(reference, credential, "Docker Hub"))
    if base := await awaited(lambda: gitlab.api_of(repository.plain.connection)):
        return gitlab.beside(base, repository, reference, _known(reference, credential, "GitLab"))
    return ByRegistry(repository)


def _known(reference: Reference, credential: Credential | None, whose: str) -> Credential:
    if credential is None:
        raise UsageError(f"{reference.name}: {whose} lists and deletes for a token alone: give --password")
    return credential
