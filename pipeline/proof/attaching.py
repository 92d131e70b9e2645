"""Attaching statements to an image in a registry. What holds already is not attached again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import anyio

from baselard.oci import digests
from pipeline.errors import BaselardError
from pipeline.proof import evidence, judging
from pipeline.proof.evidence import EMPTY, Described, Kept
from pipeline.proof.judging import Judged
from pipeline.proof.signing import Signer
from pipeline.proof.statement import Statement
from pipeline.proof.trust import Trust
from pipeline.registry.client import AwaitedRepository

_LOOKS = 20


async def held(repository: AwaitedRepository, digest: str, signer: Signer | None) -> Judged:
    """The statements about an image that this publisher need not make again: unsigned any, else its own."""
    trusted = signer.trust if signer else Trust()
    return await judging.judge(await evidence.read(repository, digest), digest, trusted)


def lacking(known: Judged, wanted: Iterable[str]) -> list[str]:
    """Those of the wanted predicate types that nothing says yet."""
    there = {one.predicate_type for one in known.statements}
    return [one for one in wanted if one not in there]


async def made(subject: Described, statements: Sequence[Statement], signer: Signer | None) -> list[Kept]:
    """Statements as they are stored, signed where there is a signer."""
    bodies = [one.body for one in statements]
    stored = await signer.sign(bodies) if signer else bodies
    return [
        Kept(evidence.manifest(subject, statement, body, signed=signer is not None), body)
        for statement, body in zip(statements, stored, strict=True)
    ]


async def store(repository: AwaitedRepository, statements: Sequence[Kept]) -> None:
    """Store statements about an image that is there. BaselardError where others overwrite their list all the time."""
    if statements:
        await repository.put_blob(EMPTY)
    for one in statements:
        await repository.put_blob(one.body)
        # One after the other: they may share a list that is a tag.
        await repository.refer(one.manifest)
    lost, fought = await _unlisted(repository, statements), False
    for _ in range(_LOOKS):
        if not lost and not fought:
            return
        fought = bool(lost)
        for one in lost:
            await repository.refer(one.manifest)
        # Another publisher writes the same list: what it read before may still be on its way.
        await anyio.sleep(random.uniform(0.2, 1))  # noqa: S311  # nothing secret
        lost = await _unlisted(repository, statements)
    raise BaselardError(f"{len(lost)} statements are lost: others write their list all the time; publish again")


async def _unlisted(repository: AwaitedRepository, statements: Sequence[Kept]) -> list[Kept]:
    """Those that the registry does not tell of: a list that is a tag was overwritten by who had read it before."""
    subjects = {str(one.manifest["subject"]["digest"]) for one in statements}
    listed = {str(one["digest"]) for subject in subjects for one in await repository.referrers(subject)}
    return [one for one in statements if digests.of_bytes(one.encoded) not in listed]


async def attach(
    repository: AwaitedRepository, subject: Described, statements: Sequence[Statement], signer: Signer | None
) -> None:
    """Store statements about an image that is there, signed where there is a key."""
    await store(repository, await made(subject, statements, signer))
