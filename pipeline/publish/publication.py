"""Publishing the very objects that were tested: one index for each target, by digest first, tags last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import dagger

from baselard.oci import digests
from baselard.oci.media_types import OCI_INDEX
from baselard.oci.reference import Reference
from pipeline import archive, calls, marks, push, spans
from pipeline.calls import Call
from pipeline.discovery import choose
from pipeline.errors import BaselardError, UsageError
from pipeline.images import Images, title
from pipeline.model import Case, Report, Suite, Verdict, merge
from pipeline.platforms import check_platform
from pipeline.project import Base, Project
from pipeline.push import Moved, Tested, Uploaded
from pipeline.references import parse_reference
from pipeline.registry import index
from pipeline.registry.client import AwaitedRepository, connect
from pipeline.registry.index import Published
from pipeline.report import record
from pipeline.share import Account
from pipeline.tags import events, naming
from pipeline.tags.events import Event

if TYPE_CHECKING:
    from pipeline.proof.making import ProofMaker


@dataclass(frozen=True)
class PublishRequest:
    """What to publish, where and as whom. `by_digest` pushes one platform without moving any tag.

    `signing_key` is the private key that what is said about the images is signed with.
    """

    event: Event
    account: Account
    platforms: tuple[str, ...]
    by_digest: bool = False
    signing_key: dagger.Secret | None = None


@dataclass(frozen=True)
class Sent:
    """One target's image in the registry: what outputs call it, and what they say of it."""

    name: str
    outputs: dict[str, Any]
    suite: Suite


def request(  # noqa: PLR0913  # one flag, one argument
    call: Call,
    named: events.Named,
    account: Account,
    platforms: Sequence[str] = (),
    *,
    by_digest: bool = False,
    signing_key: dagger.Secret | None = None,
) -> PublishRequest:
    """A request of this project; BaselardError for an event or platforms that cannot be published."""
    settings = call.project.config.publish
    chosen = tuple(check_platform(platform) for platform in platforms or settings.platforms)
    if by_digest and len(chosen) != 1:
        raise UsageError("--by-digest pushes one platform: name it by --platforms")
    if len(set(chosen)) != len(chosen):
        raise UsageError(f"a platform is named twice: {', '.join(chosen)}")
    return PublishRequest(events.parse(named, settings.default_branch), account, chosen, by_digest, signing_key)


@dataclass(frozen=True)
class Release:
    """The report of a publish, and that of its tests alone as a file: what is attached names it by its digest."""

    report: Report
    tested: str = ""


async def publish(call: Call, request: PublishRequest) -> Release:
    """Lint, test every platform, push. When anything fails before, nothing is pushed, and the report says so."""
    from pipeline.proof import making, signers

    await _admitted(call.project, request)
    vouching = await signers.of(call.project, request.signing_key)
    per_platform = [_for_platform(call, request, platform) for platform in request.platforms]
    tested = await _checked(call, per_platform)
    if tested.failed:
        return Release(replace(tested, suites=(*tested.suites, _nothing("a check failed"))))
    targets = choose.targets(call.project)
    maker = making.maker(call, request.event, request.account, vouching, tested)
    if request.by_digest:
        sent = [await _part(per_platform[0], maker, *one) for one in targets]
    else:
        # Every target is there, with all that is said about it, before the tags of any move.
        uploaded = [await _upload(per_platform, maker, *one) for one in targets]
        sent = [await _move(call.project, request, *one) for one in zip(targets, uploaded, strict=True)]
    return Release(_with(_repeated(tested, per_platform), sent, call.clock.now()), record.render(tested))


def _repeated(report: Report, per_platform: Sequence[Call]) -> Report:
    """With what the Dockerfiles were warned of, since an image now differs from what its Dockerfile asks for."""
    found = {str(warning): warning for one in per_platform for warning in one.images.warnings}
    if not found:
        return report
    cases = tuple(Case(warning.rule, Verdict.NOTED, message=text) for text, warning in found.items())
    return replace(report, suites=(*report.suites, Suite("warnings", cases)))


def _with(report: Report, sent: Sequence[Sent], seconds: float) -> Report:
    outputs = {**report.outputs, "images": {one.name: one.outputs for one in sent}}
    return replace(report, suites=(*report.suites, *(one.suite for one in sent)), seconds=seconds, outputs=outputs)


async def _admitted(project: Project, request: PublishRequest) -> None:
    """Find out before any build whether the tags are in order and the registry answers these credentials."""
    naming.references(project, request.event)
    for name in {base.name for base in project.bases}:
        async with connect(parse_reference(name), await request.account.credentials()) as repository:
            await repository.tags()


def output_name(project: Project, base: Base, target: str) -> str:
    """What outputs and parts call this image: its target if no other base has one of that name."""
    if not target or base.tags:
        return base.title(target)
    namesakes = [one for one in project.bases if target in one.targets]
    return target if len(namesakes) == 1 else f"{base.name}:{target}"


def _for_platform(call: Call, request: PublishRequest, platform: str) -> Call:
    """The call for one platform, with the labels that will be published."""
    marked = partial(_marks, call.project, request.event)
    return replace(call, platform=platform, images=Images(call.project, platform, marks=marked))


async def _marks(project: Project, event: Event, images: Images, base: Base, target: str) -> Mapping[str, str]:
    return await marks.of(images, project, base, target, event)


async def _tested(call: Call) -> Report:
    reports = [await calls.test_base(call), await calls.test_examples(call)]
    merged = merge("tests", reports)
    suites = tuple(replace(suite, name=f"{suite.name} ({call.platform})") for suite in merged.suites)
    return replace(merged, suites=suites)


def _nothing(reason: str) -> Suite:
    return Suite("publish", (Case("publish", Verdict.SKIPPED, message=f"nothing was published: {reason}"),))


async def only_checked(call: Call, platforms: Sequence[str], reason: str) -> Report:
    """The same checks without the push, and why."""
    each_ = [replace(call, platform=one, images=Images(call.project, one)) for one in platforms]
    checked = await _checked(call, each_)
    return replace(checked, suites=(*checked.suites, _nothing(reason)))


async def _checked(call: Call, per_platform: Sequence[Call]) -> Report:
    reports = [await calls.lint(call), *[await _tested(one) for one in per_platform]]
    if call.project.config.scan is not None:
        from pipeline.scan import gate  # most publish without

        reports.append(await gate.before_publishing(call, per_platform))
    return merge("publish", reports)


async def _upload(per_platform: Sequence[Call], maker: ProofMaker, base: Base, target: str) -> Uploaded:
    references = naming.of_target(per_platform[0].project, base, target, maker.event)
    tested = [Tested(await one.images.base(base, target), one.platform) for one in per_platform]
    name = push.candidate(None, per_platform[0].options.nonce[:12], base.ending(target))
    with spans.of(title(base, target)), spans.task("publish"):
        uploaded = await push.upload(tested, references, maker.account, name, indexed=not maker.inside)
        return await maker.proven(per_platform, base, target, uploaded)


async def _move(project: Project, request: PublishRequest, chosen: tuple[Base, str], uploaded: Uploaded) -> Sent:
    event = request.event
    with spans.of(title(*chosen)), spans.task("move tags"):
        moved = await push.move(uploaded, request.account)
    state = "published" if uploaded.candidate or moved.count else "already published, nothing pushed"
    outputs = described(moved.references, uploaded.published, state)
    latest = push.about_latest(uploaded, moved, event)
    suite = _suite(uploaded, moved, state, latest)
    return Sent(output_name(project, *chosen), {**outputs, "latest": latest}, suite)


async def _part(call: Call, maker: ProofMaker, base: Base, target: str) -> Sent:
    """One platform, held by a test tag until it is merged."""
    where = parse_reference(base.name)
    container = await call.images.base(base, target)
    parts = (maker.event.sha[:12] or "local", base.ending(target), call.platform.replace("/", "-"))
    held = Reference(where.registry, where.repository, push.candidate(None, *parts))
    image = await archive.identify(container, call.platform)
    with spans.of(title(base, target)), spans.task("publish"):
        await push.push([Tested(container, call.platform)], [image], maker.account, held)
    async with connect(where, await maker.account.credentials()) as repository:
        said = await maker.prover(call, repository, where).image(call, base, target, image.digest, maker.tested)
    case = Case("pushed by digest", Verdict.NOTED, message=f"{held.tag} → {image.digest}")
    outputs = described([held], Published(image.digest, (image,)), "pushed by digest")
    suite = Suite(f"publish {held}", (case, said, maker.vouched()))
    return Sent(output_name(call.project, base, target), outputs, suite)


def described(references: Sequence[Reference], published: Published, state: str) -> dict[str, Any]:
    """The outputs of one target, as JSON has them."""
    return {
        "state": state,
        "reference": f"{references[0].name}@{published.digest}",
        "tags": [str(one) for one in references],
        "digest": published.digest,
        "platforms": {one.platform: {"digest": one.digest, "size": one.size} for one in published.platforms},
    }


def _suite(uploaded: Uploaded, moved: Moved, state: str, latest: str) -> Suite:
    names = ", ".join(one.tag for one in moved.references)
    case = Case(state, Verdict.NOTED, message=f"{names} → {uploaded.published.digest}")
    cases = (case, Case("latest", Verdict.NOTED, message=latest), *uploaded.proof)
    return Suite(f"publish {uploaded.references[0]}", cases)


async def combine(call: Call, request: PublishRequest, parts: Mapping[str, Sequence[str]]) -> Report:
    """Merge images pushed by digest, by target, into one index each, and move the tags."""
    from pipeline.proof import making, signers

    naming.references(call.project, request.event)
    names = {output_name(call.project, *one): one for one in choose.targets(call.project)}
    for name in parts:
        if name not in names:
            raise UsageError(f"there is no target {name!r} in this project; there are {', '.join(names)}")
    chosen = [names[name] for name in names if name in parts]
    vouching = await signers.of(call.project, request.signing_key)
    maker = making.maker(call, request.event, request.account, vouching, Report("merge", ()))
    stored = [await _joined(call, maker, *one, parts[output_name(call.project, *one)]) for one in chosen]
    sent = [await _move(call.project, request, *one) for one in zip(chosen, stored, strict=True)]
    return _with(Report("merge", (), call.clock.started), sent, call.clock.now())


async def _joined(call: Call, maker: ProofMaker, base: Base, target: str, parts: Sequence[str]) -> Uploaded:
    references = naming.of_target(call.project, base, target, maker.event)
    where = references[0]
    async with connect(where, await maker.account.credentials()) as repository:
        images = [image for part in parts for image in (await _found(repository, part)).platforms]
        if not maker.inside:
            body = index.compose(images)
            if await repository.manifest(digests.of_bytes(body)) is None:
                await repository.put_manifest(digests.of_bytes(body), OCI_INDEX, body)
            found = await push.there(repository, digests.of_bytes(body))
        else:
            found = await maker.attested(repository, images)
        said = await maker.prover(call, repository, where).index(found.digest, images)
        return Uploaded(references, found, proof=(said, maker.vouched()))


async def _found(repository: AwaitedRepository, reference: str) -> Published:
    found = await index.read(repository, parse_reference(reference).digest)
    if found is None:
        raise BaselardError(f"{reference} is not in the registry")
    return found


def grouped(parts: Sequence[str]) -> dict[str, list[str]]:
    """TARGET=REFERENCE@DIGEST by target; BaselardError for a part that is written otherwise."""
    found: dict[str, list[str]] = {}
    for part in parts:
        target, equals, reference = part.partition("=")
        if not equals or not parse_reference(reference).digest:
            raise UsageError(f"{part!r} is not a part; write TARGET=REFERENCE@DIGEST")
        found.setdefault(target, []).append(reference)
    if not found:
        raise UsageError("name the parts to merge: --parts TARGET=REFERENCE@DIGEST")
    return found
