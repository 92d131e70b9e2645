"""An image as an archive with what is said about it, and such an archive's way into a registry."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import dagger
from dagger import dag

from pipeline import archive, push
from pipeline.calls import Call
from pipeline.errors import BaselardError
from pipeline.project import Base
from pipeline.proof import attaching, layout, proving, sbom
from pipeline.proof.evidence import Described
from pipeline.proof.provenance import Origin
from pipeline.proof.signing import Signer
from pipeline.proof.statement import PROVENANCE, SIGNATURE, Statement
from pipeline.references import parse_reference
from pipeline.registry.client import connect
from pipeline.registry.untag import let_go
from pipeline.share import Account, publish


async def write(call: Call, base: Base, target: str, signer: Signer | None) -> dagger.File:
    """The image's OCI archive with its provenance and its lists of packages. No test was run for it."""
    image = await call.images.base(base, target)
    known = await archive.identify(image, call.platform)
    where = parse_reference(base.name)
    origin = Origin(call.project.config.publish.source)
    predicates: dict[str, proving.Predicate] = {
        PROVENANCE: partial(proving.provenance_of, call, base, target, origin),
        **sbom.predicates(image, call.project.config.publish.sbom, where.name),
        **({SIGNATURE: proving.nothing} if signer else {}),
    }
    said = [Statement(where.name, known.digest, kind, await make() or {}) for kind, make in predicates.items()]
    subject = Described(known.digest, known.media_type, known.manifest_size)
    statements = await attaching.made(subject, said, signer)
    return await layout.carrying(image.as_tarball(), statements, known.platform, target or "latest")


async def push_with_statements(file: dagger.File, account: Account, tag: str) -> str:
    """Push an archive and all that is said in it; the reference with its digest. The tag moves when all is there."""
    plain, statements = await layout.opened(file)
    image = await dag.container().import_(plain).sync()
    held = replace(parse_reference(account.repository), tag=push.candidate(None, tag))
    pushed = await publish(image, account, held)
    async with connect(pushed, await account.credentials()) as repository:
        for one in statements:
            if one.manifest["subject"]["digest"] != pushed.digest:
                said = one.manifest["subject"]["digest"]
                raise BaselardError(
                    f"what the archive says is about {said}, but its image was pushed as {pushed.digest}"
                )
        await attaching.store(repository, statements)
        answer = await repository.manifest(pushed.digest)
        if answer is None:
            raise BaselardError(f"{pushed} was pushed, but is not there")
        await repository.put_manifest(tag, answer.media_type, answer.body)
        await let_go(repository, held.tag)
    return str(replace(pushed, tag=tag))
