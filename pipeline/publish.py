"""Publishing the very objects that were tested: one image or index for each target, tags last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dagger import dag

from distribution.media_types import OCI_INDEX
from distribution.reference import Reference
from pipeline import calls
from pipeline.calls import Call
from pipeline.discover import Base, Project
from pipeline.errors import BaselardError
from pipeline.images import Images
from pipeline.model import Case, Report, Suite, Verdict, merge
from pipeline.references import parse
from pipeline.registry import index
from pipeline.registry.client import connect
from pipeline.registry.index import Published
from pipeline.share import Account
from pipeline.tags import event as events
from pipeline.tags import naming, semver
from pipeline.tags.event import Event
from pipeline.tags.labels import labels

TargetKey = tuple[Base, str]


@dataclass(frozen=True)
class Request:
    """What to publish, where and as whom. `by_digest` pushes one platform without moving any tag."""

    event: Event
    account: Account
    platforms: tuple[str, ...]
    by_digest: bool = False


def request(
    call: Call, named: events.Named, account: Account, platforms: Sequence[str] = (), *, by_digest: bool = False
) -> Request:
    """A request of this project; BaselardError for an event or platforms that cannot be published."""
    settings = call.project.config.publish
    chosen = tuple(platforms or settings.platforms)
    if by_digest and len(chosen) != 1:
        raise BaselardError("--by-digest pushes one platform: name it by --platforms")
    return Request(events.parse(named, settings.default_branch), account, chosen, by_digest)


async def run(call: Call, request: Request) -> Report:
    """Lint, test every platform, push. When anything fails before, nothing is pushed, and the report says so."""
    naming.references(call.project, request.event)
    per_platform = [_for_platform(call, request, platform) for platform in request.platforms]
    tested = await _checked(call, per_platform)
    if tested.failed:
        return replace(tested, suites=(*tested.suites, _nothing("a check failed")))
    images: dict[str, Any] = {}
    suites: list[Suite] = []
    for base in call.project.bases:
        for target in base.targets:
            name = output_name(call.project, base, target)
            images[name], suite = await _push(per_platform, request, base, target)
            suites.append(suite)
    outputs = {**tested.outputs, "images": images}
    return replace(tested, suites=(*tested.suites, *suites), seconds=call.clock.now(), outputs=outputs)


def output_name(project: Project, base: Base, target: str) -> str:
    """What outputs and parts call this image: its target if no other base has one of that name."""
    if not target:
        return base.name
    namesakes = [one for one in project.bases if target in one.targets]
    return target if len(namesakes) == 1 else f"{base.name}:{target}"


def _for_platform(call: Call, request: Request, platform: str) -> Call:
    """The call for one platform. Labels are set before the tests: what is pushed is what was tested."""
    project = call.project
    version = naming.tags_of(project, project.bases[0], project.bases[0].targets[0], request.event).version
    marks = labels(request.event, version, {"licenses": project.config.publish.licenses})
    return replace(call, platform=platform, images=Images(project, platform, labels=marks))


async def _tested(call: Call) -> Report:
    reports = [await calls.test_base(call), await calls.test_examples(call)]
    merged = merge("tests", reports)
    suites = tuple(replace(suite, name=f"{suite.name} ({call.platform})") for suite in merged.suites)
    return replace(merged, suites=suites)


async def _push(calls_: Sequence[Call], request: Request, base: Base, target: str) -> tuple[dict[str, Any], Suite]:
    """Push one target under its first tag, then move the others; an unfinished push leaves those where they were."""
    project = calls_[0].project
    references = naming.of_target(project, base, target, request.event)
    if request.by_digest:
        references = (replace(references[0], tag=_digest_tag(request, target)),)
    async with connect(references[0], await request.account.credentials()) as repository:
        before = {one.tag: answer.digest for one in references if (answer := await repository.manifest(one.tag))}
        references = _only_highest_is_latest(references, await repository.tags(), request.event)
        containers = [await one.images.base(base, target) for one in calls_]
        said = await request.account.login(dag.container()).publish(str(references[0]), platform_variants=containers)
        digest = parse(said).digest
        answer = await repository.manifest(digest)
        if answer is None:
            raise BaselardError(f"{references[0]} was pushed as {digest}, but the registry does not have that")
        for reference in references[1:]:
            await repository.put_manifest(reference.tag, answer.media_type, answer.body)
        published = await index.read(repository, digest)
    unchanged = all(before.get(one.tag) == digest for one in references)
    return described(references, published), _suite(references, digest, unchanged=unchanged)


def _nothing(reason: str) -> Suite:
    return Suite("publish", (Case("publish", Verdict.SKIPPED, message=f"nothing was published: {reason}"),))


async def only_checked(call: Call, platforms: Sequence[str], reason: str) -> Report:
    """The same checks without the push, and why."""
    each_ = [replace(call, platform=one, images=Images(call.project, one)) for one in platforms]
    checked = await _checked(call, each_)
    return replace(checked, suites=(*checked.suites, _nothing(reason)))


async def _checked(call: Call, per_platform: Sequence[Call]) -> Report:
    return merge("publish", [await calls.lint(call), *[await _tested(one) for one in per_platform]])


def _digest_tag(request: Request, target: str) -> str:
    """A test tag that keeps one platform's image from being collected until it is merged."""
    parts = ["test", request.event.sha[:12] or "local", target, request.platforms[0].replace("/", "-")]
    return "-".join(part for part in parts if part)


def _only_highest_is_latest(
    references: Sequence[Reference], existing: Sequence[str], event: Event
) -> tuple[Reference, ...]:
    """Without `latest` when the registry already has a higher release than this one."""
    mine = semver.parse(event.tag)
    others = [version for tag in existing if (version := semver.parse(tag)) and not version.prerelease]
    if mine is None or all(version.rank <= mine.rank for version in others):
        return tuple(references)
    return tuple(one for one in references if not one.tag.startswith("latest"))


def described(references: Sequence[Reference], published: Published | None) -> dict[str, Any]:
    """The outputs of one target, as JSON has them."""
    digest = published.digest if published else ""
    platforms = (
        {one.platform: {"digest": one.digest, "size": one.size} for one in published.platforms} if published else {}
    )
    return {
        "reference": f"{references[0].name}@{digest}",
        "tags": [str(one) for one in references],
        "digest": digest,
        "platforms": platforms,
    }


def _suite(references: Sequence[Reference], digest: str, *, unchanged: bool) -> Suite:
    said = "already published, nothing moved" if unchanged else "published"
    case = Case(said, Verdict.NOTED, message=f"{', '.join(one.tag for one in references)} → {digest}")
    return Suite(f"publish {references[0]}", (case,))


async def combine(call: Call, request: Request, parts: Mapping[str, Sequence[str]]) -> Report:
    """Merge images pushed by digest, by target, into one index each, and move the tags."""
    images: dict[str, Any] = {}
    suites = []
    for base in call.project.bases:
        for target in base.targets:
            name = output_name(call.project, base, target)
            if name not in parts:
                continue
            references = naming.of_target(call.project, base, target, request.event)
            async with connect(references[0], await request.account.credentials()) as repository:
                found = [await _part(repository, reference) for reference in parts[name]]
                body = index.compose([image for one in found for image in one.platforms])
                references = _only_highest_is_latest(references, await repository.tags(), request.event)
                for reference in references:
                    digest = await repository.put_manifest(reference.tag, OCI_INDEX, body)
                images[name] = described(references, await index.read(repository, digest))
            suites.append(_suite(references, digest, unchanged=False))
    if not images:
        raise BaselardError("no part names a target of this project; write --parts TARGET=REFERENCE@DIGEST")
    return Report("merge", tuple(suites), call.clock.started, call.clock.now(), {"images": images})


async def _part(repository: Any, reference: str) -> Published:
    found = await index.read(repository, parse(reference).digest)
    if found is None:
        raise BaselardError(f"{reference} is not in the registry")
    return found


def grouped(parts: Sequence[str]) -> dict[str, list[str]]:
    """TARGET=REFERENCE@DIGEST by target; BaselardError for a part that is written otherwise."""
    found: dict[str, list[str]] = {}
    for part in parts:
        target, equals, reference = part.partition("=")
        if not equals or not parse(reference).digest:
            raise BaselardError(f"{part!r} is no part; write TARGET=REFERENCE@DIGEST")
        found.setdefault(target, []).append(reference)
    return found
