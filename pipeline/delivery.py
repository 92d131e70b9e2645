"""The work of a push, as one report: check; then, where it may, publish, verify, clean up and renew the docs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import dagger

from pipeline.calls import Call
from pipeline.errors import BaselardError
from pipeline.model import Case, Report, Suite, Verdict, merge
from pipeline.publish import compare, docs, publication, verification
from pipeline.publish.publication import PublishRequest
from pipeline.references import parse_reference
from pipeline.registry import cleaning
from pipeline.share import Account
from pipeline.tags import naming
from pipeline.tags.events import Event

if TYPE_CHECKING:
    from pipeline.proof.policy import ProofPolicy
    from pipeline.stale.when import Looked


@dataclass(frozen=True)
class Ended:
    """The report, the text of README.md with its table renewed, empty when nothing in it changed, and the report of
    the tests alone."""

    report: Report
    readme: str = ""
    tested: str = ""


async def deliver(call: Call, request: PublishRequest, *, when_stale: bool = False) -> Ended:
    """Everything that this event may do. What it may not do is said in the report.

    With `when_stale` an event that may publish does so only if a base has moved since what is published was built.
    """
    account = request.account
    reason = why_not(request.event, has_password=account.password is not None)
    if not reason and not naming.named(call.project, request.event):
        reason = f"no rule of publish.tags applies to {request.event.ref}"
    if reason:
        checked = await publication.only_checked(call, request.platforms, reason)
        return Ended(merge("ci", [checked, await compare.sizes(call, account)]))
    looked = await _looked(call, request) if when_stale else None
    if looked and not looked.reasons:
        return Ended(Report("ci", (looked.suite,), call.clock.started))
    ended = await _delivered(call, request)
    suites = (*([looked.suite] if looked else []), *ended.report.suites)
    return replace(ended, report=replace(ended.report, suites=suites))


async def _looked(call: Call, request: PublishRequest) -> Looked:
    from pipeline.stale import when  # most events do not ask

    return await when.look(call.project, request)


async def _delivered(call: Call, request: PublishRequest) -> Ended:
    account = request.account
    wanted = await _policy(call, request)
    released = await publication.publish(call, request)
    published = released.report
    if published.failed:
        return Ended(replace(published, title="ci"))
    references = [f"{parse_reference(one['tags'][0])}" for one in published.outputs["images"].values()]
    verified = await verification.verify(call, account, references, wanted, request.platforms)
    cleaned = await _cleaned(call, account)
    documented, readme = await _documented(call, account)
    return Ended(merge("ci", [published, verified, Report("after", (cleaned, documented))]), readme, released.tested)


def why_not(event: Event, *, has_password: bool) -> str:
    """Why this event publishes nothing; empty when it does."""
    if event.pull_request:
        return "this is a pull request"
    if not event.tag and not event.on_default_branch:
        return f"{event.ref} is neither the default branch ({event.default_branch}) nor a tag"
    return "" if has_password else "there are no credentials for the registry (--username and --password)"


async def _policy(call: Call, request: PublishRequest) -> ProofPolicy:
    """The configured one; where it trusts nobody, its own signer must have signed."""
    from pipeline.proof import policy, signers

    settings = call.project.config.verify
    signer = None if settings.key or settings.identity else (await signers.of(call.project, request.signing_key)).signer
    return await policy.of_project(call.project, own=signer.trust if signer else None)


async def _cleaned(call: Call, account: Account) -> Suite:
    settings = call.project.config.cleanup
    chosen = cleaning.policy(settings)
    try:
        notes = [
            await cleaning.clean_up(parse_reference(name), await account.credentials(), chosen, apply=True)
            for name in dict.fromkeys(base.name for base in call.project.bases)
        ]
    except BaselardError as error:
        # What was published is published: a registry that deletes nothing is worth a note, not a failure.
        notes = [str(error)]
    return Suite("cleanup", (Case("cleanup", Verdict.NOTED, message="; ".join(notes)),))


async def _documented(call: Call, account: Account) -> tuple[Suite, str]:
    """The outcome for the table of images, and the renewed file if it differs."""
    new = ""
    try:
        updated = await docs.updated(call.project, account)
        if updated != await call.project.source.file(docs.FILE).contents():
            new = updated
        message = f"is out of date: ci-report holds the new {docs.FILE}; or call update-docs" if new else "is current"
    except (BaselardError, dagger.QueryError) as error:
        message = str(error)
    return Suite(docs.FILE, (Case("table of images", Verdict.NOTED, message=message),)), new
