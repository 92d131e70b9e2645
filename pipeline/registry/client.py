"""One repository of a registry, for functions that wait for nothing: its client works in threads."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpx
from anyio import to_thread

from baselard.oci import text
from baselard.oci.errors import DistributionError, RefusedError
from baselard.oci.media_types import LARGEST_MANIFEST
from baselard.oci.reference import Reference
from baselard.oci.registry import repository as repositories
from baselard.oci.registry.connection import Connection
from baselard.oci.registry.credential import Credential
from baselard.oci.registry.repository import Answer
from pipeline.errors import BaselardError

_REMEDY = "Give --username and --password of somebody who may do that."

T = TypeVar("T")


@dataclass(frozen=True)
class AwaitedRepository:
    """The methods of distribution's Repository, awaited; what it raises is raised as a BaselardError."""

    plain: repositories.Repository

    async def tags(self) -> list[str]:
        return await awaited(self.plain.tags)

    async def manifest(self, target: str) -> Answer | None:
        return await awaited(partial(self.plain.manifest, target))

    async def put_manifest(self, target: str, media_type: str, body: bytes) -> str:
        return await awaited(partial(self.plain.put_manifest, target, media_type, body))

    async def blob(self, digest: str, limit: int = LARGEST_MANIFEST) -> bytes | None:
        return await awaited(partial(self.plain.blob, digest, limit))

    async def referrers(self, digest: str) -> list[Mapping[str, Any]]:
        return await awaited(partial(self.plain.referrers, digest))

    async def refer(self, manifest: Mapping[str, Any]) -> str:
        return await awaited(partial(self.plain.refer, manifest))

    async def put_blob(self, data: bytes) -> str:
        return await awaited(partial(self.plain.blobs.put, data))

    async def delete(self, target: str) -> bool:
        return await awaited(partial(self.plain.delete, target))


def document(body: bytes, what: str) -> Mapping[str, Any]:
    """The JSON object that a registry keeps as ``what``. Raises BaselardError for anything else."""
    try:
        return text.members(text.loads(body))
    except (ValueError, TypeError, RecursionError) as error:
        raise BaselardError(f"{what} is not a JSON object: {error}") from error


async def awaited(work: Callable[[], T]) -> T:
    """The result of the work, done in a thread; what a registry did wrong is raised as a BaselardError."""
    try:
        return await to_thread.run_sync(work, abandon_on_cancel=True)
    except DistributionError as error:
        raise BaselardError(str(error)) from error


@asynccontextmanager
async def connect(reference: Reference, credential: Credential | None) -> AsyncIterator[AwaitedRepository]:
    """A client for the reference's repository; what it does again, and why, is said on standard error."""
    connection = Connection(reference.api_url, credential, say=say, remedy=_REMEDY)
    try:
        yield AwaitedRepository(repositories.Repository(connection, reference.repository))
    finally:
        connection.close()


@dataclass
class _ThroughEngine(Connection):
    """The session's own address, which answers for a registry."""

    registry: str = ""

    @property
    def host(self) -> str:
        return self.registry

    def _refusal(self, reply: httpx.Response, method: str, url: str, scope: str) -> RefusedError:
        """The engine's own sentence, where it has one: it names the image, and what to do."""
        if reply.status_code != httpx.codes.UNPROCESSABLE_ENTITY:
            return super()._refusal(reply, method, url, scope)
        return RefusedError(str(reply.json()["errors"][0]["message"]), reply.status_code)


@asynccontextmanager
async def as_pulled(reference: Reference) -> AsyncIterator[AwaitedRepository]:
    """A client that only reads, with the credentials and at the mirrors that the engine pulls the reference with.

    The embedded engine answers for the registry, and says so by BASELARD_REGISTRIES. Of another engine the registry is
    asked without a login.
    """
    if not os.environ.get("BASELARD_REGISTRIES"):
        async with connect(reference, None) as repository:
            yield repository
        return
    session = Credential(os.environ["DAGGER_SESSION_TOKEN"], reference.registry)
    address = f"http://127.0.0.1:{os.environ['DAGGER_SESSION_PORT']}"
    connection = _ThroughEngine(address, session, say=say, registry=reference.registry)
    try:
        yield AwaitedRepository(repositories.Repository(connection, reference.repository))
    finally:
        connection.close()


def say(line: str) -> None:
    """Tell a line on standard error."""
    print(line, file=sys.stderr, flush=True)
