"""Looking at what was published as its users will: fetched back from the registry, compared, and tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dagger import Container, dag

from distribution.reference import Reference
from pipeline import calls
from pipeline.calls import Call
from pipeline.discover import base_of
from pipeline.errors import UsageError
from pipeline.images import Images, everywhere
from pipeline.model import Case, Report, Suite, Verdict, merge
from pipeline.references import parse
from pipeline.registry import index
from pipeline.registry.client import connect
from pipeline.registry.index import Published
from pipeline.share import Account


async def run(call: Call, account: Account, references: Sequence[str], platform: str) -> Report:
    """Each reference: all bytes match their digests, and the base test passes on the image pulled by digest."""
    if not references:
        raise UsageError("name the references to verify, such as ghcr.io/acme/base:latest")
    reports = [await _one(call, account, parse(text), platform) for text in references]
    return merge("verify", reports)


async def _one(call: Call, account: Account, reference: Reference, platform: str) -> Report:
    meant = base_of(str(reference), call.project.bases)
    if meant is None:
        raise UsageError(f"{reference} is none of this project's bases")
    async with connect(reference, await account.credentials()) as repository:
        try:
            found = await index.read(repository, reference.digest or reference.tag or "latest")
        except UsageError as error:
            return _report(call, reference, Case("digests", Verdict.FAILED, message=str(error)))
    if found is None:
        return _report(call, reference, Case("exists", Verdict.FAILED, message="it is not in the registry"))
    tested = await calls.test_base(
        replace(call, images=Images(call.project, platform, everywhere(_pulled(account, reference, found)))),
        [f"{meant[0].name}:{meant[1]}" if meant[1] else meant[0].name],
    )
    suites = tuple(replace(suite, name=f"{reference} tested") for suite in tested.suites)
    first = _report(call, reference, *(_platform(image) for image in found.platforms))
    return merge("verify", [first, replace(tested, suites=suites)])


def _pulled(account: Account, reference: Reference, found: Published) -> Container:
    return account.login(dag.container()).from_(f"{reference.name}@{found.digest}")


def _platform(image: index.PlatformImage) -> Case:
    return Case(f"{image.platform} {image.digest} {image.size / 1e6:.1f} MB", Verdict.PASSED)


def _report(call: Call, reference: Reference, *cases: Case) -> Report:
    return Report("verify", (Suite(str(reference), cases),), call.clock.started, call.clock.now())
