"""One target on its way to a registry: everything by digest first; tags move when all of it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import dagger
from dagger import dag

from baselard.oci import digests
from baselard.oci.media_types import OCI_INDEX
from baselard.oci.reference import Reference
from pipeline import archive, spans
from pipeline.errors import BaselardError
from pipeline.model import Case
from pipeline.registry import index
from pipeline.registry.client import AwaitedRepository, connect
from pipeline.registry.index import PlatformImage, Published
from pipeline.registry.untag import let_go
from pipeline.share import Account, publish
from pipeline.tags import semver
from pipeline.tags.events import Event


@dataclass(frozen=True)
class Tested:
    """The object that the tests were about, for one platform ("" is the engine's own)."""

    container: dagger.Container
    platform: str


@dataclass(frozen=True)
class Uploaded:
    """An index that is in the registry under its digest, and the references that shall point to it.

    `candidate` is a test tag that held its images until the index was there; empty when nothing had to be pushed.
    `proof` tells what was attached to them.
    """

    references: tuple[Reference, ...]
    published: Published
    candidate: str = ""
    proof: tuple[Case, ...] = ()


@dataclass(frozen=True)
class Moved:
    """The references that now point to the index, and how many of them did not before."""

    references: tuple[Reference, ...]
    count: int


async def upload(
    tested: Sequence[Tested], references: Sequence[Reference], account: Account, candidate: str, *, indexed: bool = True
) -> Uploaded:
    """Bring the images and their index to the registry, unless they are there; no tag of `references` moves.

    An index that is not to be `indexed` yet has no digest.
    """
    images = [await archive.identify(one.container, one.platform) for one in tested]
    body = index.compose(images)
    digest = digests.of_bytes(body)
    async with connect(references[0], await account.credentials()) as repository:
        if not indexed:
            known = Published("", tuple(images))
            if all([await repository.manifest(one.digest) for one in images]):
                return Uploaded(tuple(references), known)
            await push(tested, images, account, replace(references[0], tag=candidate))
            return Uploaded(tuple(references), known, candidate)
        found = await index.read(repository, digest)
        if found:
            return Uploaded(tuple(references), found)
        await push(tested, images, account, replace(references[0], tag=candidate))
        await repository.put_manifest(digest, OCI_INDEX, body)
        return Uploaded(tuple(references), await there(repository, digest), candidate)


async def push(
    tested: Sequence[Tested], images: Sequence[PlatformImage], account: Account, candidate: Reference
) -> None:
    """Push under a test tag; BaselardError unless exactly what was tested is there afterwards."""
    containers = [one.container for one in tested]
    await publish(dag.container(), account, candidate, containers)
    async with connect(candidate, await account.credentials()) as repository:
        for image in images:
            if await index.read(repository, image.digest) is None:
                raise BaselardError(
                    f"{candidate} was pushed, but {image.digest}, which was tested for {image.platform}, is not there"
                )


async def there(repository: AwaitedRepository, digest: str) -> Published:
    """The index that was just stored. BaselardError where the registry does not have it."""
    found = await index.read(repository, digest)
    if found is None:
        raise BaselardError(f"{digest} was stored, but the registry does not have it")
    return found


async def move(uploaded: Uploaded, account: Account) -> Moved:
    """Point the tags to the index, each in one step, `latest` last; then let go of the test tag."""
    digest = uploaded.published.digest
    async with connect(uploaded.references[0], await account.credentials()) as repository:
        answer = await repository.manifest(digest)
        if answer is None:
            raise BaselardError(f"{uploaded.references[0].name}@{digest} was there, but is gone")
        count, moved = 0, []
        for reference in uploaded.references:
            if is_latest(reference.tag) and _higher(reference.tag, uploaded.references, await repository.tags()):
                continue
            with spans.task(f"tag {reference.tag}"):
                before = await repository.manifest(reference.tag)
                if before is None or before.digest != digest:
                    await repository.put_manifest(reference.tag, answer.media_type, answer.body)
                    count += 1
            moved.append(reference)
        await _give_way(repository, moved, digest)
        if uploaded.candidate:
            await let_go(repository, uploaded.candidate)
    return Moved(tuple(moved), count)


def is_latest(tag: str) -> bool:
    """Whether a tag is `latest`, of whatever target."""
    return tag == "latest" or tag.startswith("latest-")


def about_latest(uploaded: Uploaded, moved: Moved, event: Event) -> str:
    """One sentence about `latest` of this target: by whom it moved, or why it stays."""
    asked = next((one.tag for one in uploaded.references if is_latest(one.tag)), "")
    if any(is_latest(one.tag) for one in moved.references):
        return f"{asked} is this image now, by {event.origin}"
    if asked:
        return f"{asked} stays where it is: there is a higher release than {event.origin}"
    if event.prerelease:
        return f"latest stays where it is: {event.origin} is a pre-release"
    return f"latest stays where it is: no tag rule gives it to {event.origin}"


def _higher(latest: str, references: Sequence[Reference], existing: Sequence[str]) -> str:
    """The tag of the highest release of this target that is higher than the one being published, or nothing."""
    suffix = latest.removeprefix("latest")
    mine = [version for one in references if (version := semver.parse(one.tag.removesuffix(suffix)))]
    if not mine:
        return ""
    found = {tag: semver.parse(tag.removesuffix(suffix)) for tag in existing if tag.endswith(suffix)}
    releases = {tag: version.rank for tag, version in found.items() if version and not version.prerelease}
    highest = max(releases, key=lambda tag: releases[tag], default="")
    return highest if highest and releases[highest] > max(version.rank for version in mine) else ""


async def _give_way(repository: AwaitedRepository, moved: list[Reference], digest: str) -> None:
    """Two releases published at once: whoever moves `latest` last looks again, so it ends at the higher one."""
    existing = await repository.tags()
    for reference in [one for one in moved if is_latest(one.tag)]:
        higher = _higher(reference.tag, moved, existing)
        answer = await repository.manifest(higher) if higher else None
        now = await repository.manifest(reference.tag)
        if answer and now and now.digest == digest:
            await repository.put_manifest(reference.tag, answer.media_type, answer.body)
            moved.remove(reference)


def candidate(now: datetime | None = None, *parts: str) -> str:
    """A test tag that tells its own age, so that `cleanup` finds what an interrupted publish left."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    return "-".join(["test", stamp, *(part for part in parts if part)])
