"""Statements where they are kept: manifests that refer to an image, one statement each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baselard.oci import digests
from baselard.oci.media_types import OCI_EMPTY, OCI_MANIFEST
from baselard.oci.together import each
from pipeline.proof import bundle
from pipeline.proof.bundle import SignedStatement
from pipeline.proof.statement import MEDIA_TYPE as STATEMENT
from pipeline.proof.statement import Statement
from pipeline.registry.client import AwaitedRepository

EMPTY = b"{}"
_LARGEST = 128 << 20  # bytes of one statement; cosign reads no larger one either


@dataclass(frozen=True)
class Described:
    """The manifest or index that statements are about, as a descriptor has it."""

    digest: str
    media_type: str
    size: int


@dataclass(frozen=True)
class Evidence:
    """One referrer, unjudged. ``payload`` is a statement's bytes, ``signed`` the bundle it came in, if it did.

    ``problem`` says why there is no statement in it.
    """

    digest: str
    payload: bytes = b""
    signed: SignedStatement | None = None
    problem: str = ""


@dataclass(frozen=True)
class Kept:
    """One statement as it is stored: the manifest that refers to the image, and the bytes of its one layer."""

    manifest: Mapping[str, Any]
    body: bytes

    @property
    def encoded(self) -> bytes:
        """The manifest's bytes."""
        return json.dumps(self.manifest, separators=(",", ":")).encode()


def manifest(subject: Described, statement: Statement, stored: bytes, *, signed: bool) -> dict[str, Any]:
    """The manifest that keeps a statement: as cosign attaches a bundle, or as BuildKit describes an unsigned one."""
    kind = bundle.MEDIA_TYPE if signed else STATEMENT
    said = (
        {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": statement.predicate_type}
        if signed
        else {"in-toto.io/predicate-type": statement.predicate_type}
    )
    layer = {"mediaType": kind, "digest": digests.of_bytes(stored), "size": len(stored), "annotations": said}
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": OCI_EMPTY, "digest": digests.of_bytes(EMPTY), "size": len(EMPTY)},
        "layers": [layer],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
        "annotations": said,
    }


async def read(repository: AwaitedRepository, digest: str) -> list[Evidence]:
    """Every statement that refers to a manifest, in the order of their own digests; referrers of other kinds are
    nobody's business here."""
    listed = sorted({str(one["digest"]): one for one in await repository.referrers(digest)}.items())
    found = await each(listed, lambda one: _one(repository, *one))
    return [one for one in found if one is not None]


async def _one(repository: AwaitedRepository, digest: str, described: Mapping[str, Any]) -> Evidence | None:
    if "artifactType" in described and not is_statement(str(described["artifactType"])):
        return None
    answer = await repository.manifest(digest)
    layers = json.loads(answer.body).get("layers") or [] if answer else []
    wanted = [layer for layer in layers if is_statement(str(layer.get("mediaType", "")))]
    if answer and not wanted:
        return None
    stored = await repository.blob(str(wanted[0]["digest"]), _LARGEST) if wanted else None
    if stored is None:
        return Evidence(digest, problem="it is listed, but not there")
    return _opened(digest, stored, bundled=bundle.is_bundle(str(wanted[0]["mediaType"])))


def _opened(digest: str, stored: bytes, *, bundled: bool) -> Evidence:
    if not bundled:
        return Evidence(digest, stored)
    try:
        signed = bundle.read(stored)
    except ValueError as error:
        return Evidence(digest, problem=str(error))
    return Evidence(digest, signed.payload, signed)


def is_statement(media_type: str) -> bool:
    """Whether a referrer, or its layer, is a statement: in a bundle or bare."""
    return media_type == STATEMENT or bundle.is_bundle(media_type)
