"""Looking at what was published as its users will: fetched back from the registry, compared, and tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import dagger
from dagger import dag

from baselard.oci.reference import Reference
from pipeline import calls, plaintext
from pipeline.calls import Call
from pipeline.errors import BaselardError, UsageError
from pipeline.images import Images, everywhere, title
from pipeline.model import Case, Report, Suite, Verdict, merge
from pipeline.project import base_of
from pipeline.references import parse_reference
from pipeline.registry import index
from pipeline.registry.client import connect
from pipeline.share import Account

if TYPE_CHECKING:
    from pipeline.proof.policy import ProofPolicy


async def policy(call: Call, require: Sequence[str] | None, public_key: dagger.Secret | None) -> ProofPolicy:
    """The policy of the call, else of the configuration."""
    from pipeline.proof import policy

    return await policy.of_project(call.project, require, await plaintext.read(public_key, "--public-key"))


async def verify(
    call: Call, account: Account, references: Sequence[str], policy: ProofPolicy, platforms: Sequence[str] = ("",)
) -> Report:
    """Each reference: all bytes match their digests, what the policy requires is attached, and the base test passes on
    the image pulled by digest.

    The test runs for each of the platforms, "" being the engine's own, and only on this project's own bases.
    """
    if not references:
        raise UsageError("name the references to verify, such as ghcr.io/acme/base:latest")
    reports = [await _one(call, account, parse_reference(text), policy, platforms) for text in references]
    return merge("verify", reports)


async def _one(
    call: Call, account: Account, reference: Reference, policy: ProofPolicy, platforms: Sequence[str]
) -> Report:
    from pipeline.proof import policy as proofs

    meant = base_of(str(reference), call.project.bases)
    if meant is None and not policy.require:
        raise UsageError(
            f"{reference} is none of this project's bases; of others, name what must be attached: --require"
        )
    async with connect(reference, await account.credentials()) as repository:
        try:
            stored = await index.read(repository, reference.digest or reference.tag or "latest")
        except BaselardError as error:
            return _report(call, reference, Case("digests", Verdict.FAILED, message=str(error)))
        proven = await proofs.check(repository, stored, policy) if stored else []
    if stored is None:
        return _report(call, reference, Case("exists", Verdict.FAILED, message="it is not in the registry"))
    shown = _report(call, reference, *(_platform(image) for image in stored.platforms), *proven)
    if meant is None or shown.failed:
        return shown
    tested = [await _tested(call, account, replace(reference, digest=stored.digest), one) for one in platforms]
    return merge("verify", [shown, *tested])


async def _tested(call: Call, account: Account, reference: Reference, platform: str) -> Report:
    """The base test on the image as it is pulled by its digest."""
    meant = base_of(str(reference), call.project.bases)
    empty = dag.container(platform=dagger.Platform(platform) if platform else None)
    pulled = (await account.login(empty)).from_(f"{reference.name}@{reference.digest}")
    images = Images(call.project, platform, everywhere(pulled))
    tested = await calls.test_base(replace(call, images=images, platform=platform), [title(*meant)] if meant else ())
    shown = replace(reference, digest="")
    name = f"{shown} tested on {platform}" if platform else f"{shown} tested"
    return replace(tested, suites=tuple(replace(suite, name=name) for suite in tested.suites))


def _platform(image: index.PlatformImage) -> Case:
    return Case(f"{image.platform} {image.digest} {image.size / 1e6:.1f} MB", Verdict.PASSED)


def _report(call: Call, reference: Reference, *cases: Case) -> Report:
    return Report("verify", (Suite(str(reference), cases),), call.clock.started, call.clock.now())
