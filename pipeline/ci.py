"""What a push does, as one report: check; then, where it may, publish, verify and clean up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline import docs, publish, verify
from pipeline.calls import Call
from pipeline.errors import BaselardError
from pipeline.model import Case, Report, Suite, Verdict, merge
from pipeline.references import parse
from pipeline.registry import cleanup
from pipeline.share import Account
from pipeline.tags import event as events
from pipeline.tags.event import Event


async def run(call: Call, named: events.Named, account: Account, platforms: Sequence[str]) -> Report:
    """Everything that this event may do. What it may not do is said in the report."""
    request = publish.request(call, named, account, platforms)
    reason = why_not(request.event, has_password=account.password is not None)
    if reason:
        return replace(await publish.only_checked(call, request.platforms, reason), title="ci")
    published = await publish.run(call, request)
    if published.failed:
        return replace(published, title="ci")
    references = [f"{parse(one['tags'][0])}" for one in published.outputs["images"].values()]
    verified = await verify.run(call, account, references, "")
    after = Report("after", (await _cleaned(call, account), await _documented(call, account)))
    return merge("ci", [published, verified, after])


def why_not(event: Event, *, has_password: bool) -> str:
    """Why this event publishes nothing; empty when it does."""
    if event.pull_request:
        return "this is a pull request"
    if not event.tag and not event.on_default_branch:
        return f"{event.ref} is neither the default branch ({event.default_branch}) nor a tag"
    return "" if has_password else "there are no credentials for the registry (--username and --password)"


async def _cleaned(call: Call, account: Account) -> Suite:
    settings = call.project.config.cleanup
    chosen = cleanup.policy(settings, "", None, None)
    try:
        said = [
            await cleanup.run(parse(base.name), await account.credentials(), chosen, apply=True)
            for base in call.project.bases
        ]
    except BaselardError as error:
        # What was published is published: a registry that deletes nothing is worth a note, not a failure.
        said = [str(error)]
    return Suite("cleanup", (Case("cleanup", Verdict.NOTED, message="; ".join(said)),))


async def _documented(call: Call, account: Account) -> Suite:
    source = call.project.source
    try:
        current = await docs.updated(call.project, account) == await source.file(docs.FILE).contents()
        said = "is current" if current else f"is out of date: call update-docs -o {docs.FILE}"
    except BaselardError as error:
        said = str(error)
    return Suite(docs.FILE, (Case("table of images", Verdict.NOTED, message=said),))
