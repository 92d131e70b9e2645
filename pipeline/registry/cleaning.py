"""Which test tags may go, and what goes with them.

A tag, an index and its children share digests, and deleting a digest takes every tag that points to it along.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from typing import Any

from baselard.oci.reference import Reference
from baselard.oci.registry.credential import Credential
from pipeline.config.config import CleanupSettings
from pipeline.errors import UsageError
from pipeline.registry import ways
from pipeline.registry.client import connect
from pipeline.registry.contents import Contents, reachable, read, subject_of, with_orphans
from pipeline.registry.removal import Removal
from pipeline.report.text import columns

_SHORT = len("sha256:") + 12  # characters of a digest that are shown, as docker does


@dataclass(frozen=True)
class CleaningPolicy:
    """Tags that match one of the globs, are older than `age`, and are not among the `keep_last` newest, go.

    With `orphans`, what refers to images that are gone goes too, at the same age.
    """

    tags: tuple[str, ...]
    age: timedelta = timedelta()
    keep_last: int = 0
    orphans: bool = False


@dataclass(frozen=True)
class CleaningPlan:
    """What is to be removed. `untag` share their digest with a kept tag: only the name goes.

    `delete` are digests, parents before children and images before what refers to them; `freed` the bytes of blobs that
    nothing else uses; `meant` what each tag leads to. `refused` tells what its `keeper` did not let go, and why.
    """

    tags: tuple[str, ...]
    untag: tuple[str, ...]
    delete: tuple[str, ...]
    freed: int
    meant: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    keeper: str = "the registry"

    def names(self, digest: str) -> tuple[str, ...]:
        """The tags that go with a manifest."""
        return tuple(tag for tag, meant in self.meant.items() if meant == digest)


def plan(contents: Contents, policy: CleaningPolicy, now: datetime | None = None) -> CleaningPlan:
    """No manifest that is reachable from a kept tag goes, nor what refers to one.

    Tags that only tell what refers to an image stay and go with that image, or as orphans when it is gone.
    """
    today = now or datetime.now(UTC)
    about = {tag: subject for tag in contents.tags if (subject := subject_of(tag))}
    leaving = _leaving(contents, policy, today, about)
    orphans = {digest for digest in _orphans(contents) if _old(_created(contents, digest), policy, today)}
    kept = reachable(contents, (contents.tags[tag] for tag in contents.tags if tag not in {*leaving, *about}))
    going = reachable(contents, (*(contents.tags[tag] for tag in leaving), *orphans)) - kept
    staying = {tag for tag, subject in about.items() if subject not in going and contents.tags[tag] not in orphans}
    kept |= reachable(contents, (contents.tags[tag] for tag in staying))
    leaving += sorted(tag for tag in about if tag not in staying)
    going = reachable(contents, (*(contents.tags[tag] for tag in leaving), *orphans)) - kept
    return CleaningPlan(
        tags=tuple(leaving),
        untag=tuple(tag for tag in leaving if contents.tags[tag] in kept),
        delete=_in_order(contents, going),
        freed=_freed(contents, going),
        meant={tag: contents.tags[tag] for tag in leaving},
    )


def _orphans(contents: Contents) -> set[str]:
    """What refers to an image that is gone, by a tag that is called after it or by its own word."""
    tagged = {digest for tag, digest in contents.tags.items() if subject_of(tag) in contents.lost}
    return tagged | {one.digest for one in contents.manifests.values() if one.subject in contents.lost}


def _old(made: datetime | None, policy: CleaningPolicy, now: datetime) -> bool:
    return not policy.age or (made is not None and now - made >= policy.age)


def _leaving(contents: Contents, policy: CleaningPolicy, now: datetime, without: Container[str]) -> list[str]:
    """Matching tags, the newest first; one whose age nobody knows counts as the oldest, but stays if age matters."""
    matching = [tag for tag in contents.tags if _matches(tag, policy) and tag not in without]
    chosen = {tag: contents.tags[tag] for tag in matching}
    made = {tag: _stamp(tag) or _created(contents, digest) for tag, digest in chosen.items()}
    ages = {tag: now - when if when else timedelta.max for tag, when in made.items()}
    newest = sorted(ages, key=lambda tag: (ages[tag], tag))
    candidates = newest[policy.keep_last :]
    return [tag for tag in candidates if not policy.age or (made[tag] and ages[tag] >= policy.age)]


def _matches(tag: str, policy: CleaningPolicy) -> bool:
    return any(fnmatchcase(tag, pattern) for pattern in policy.tags)


def _stamp(tag: str) -> datetime | None:
    """The time that a publish writes into its test tags: the image itself may tell none, for equal digests."""
    try:
        return datetime.strptime(tag.split("-")[1], "%Y%m%dT%H%M%S%z") if "-" in tag else None
    except ValueError:
        return None


def _created(contents: Contents, digest: str) -> datetime | None:
    """When a manifest was made; an index is as old as its newest child."""
    manifest = contents.manifests[digest]
    children = [_created(contents, child) for child in manifest.children if child in contents.manifests]
    known = [made for made in (manifest.created, *children) if made is not None]
    return max(known, default=None)


def _in_order(contents: Contents, going: set[str]) -> tuple[str, ...]:
    """An order in which no index is ever left pointing at what is gone, and nothing that refers to an image goes
    before it."""
    before: dict[str, set[str]] = {digest: set() for digest in going}
    for digest in going:
        one = contents.manifests[digest]
        for child in before.keys() & set(one.children):
            before[child].add(digest)
        if one.subject in before:
            before[digest].add(one.subject)
    for tag, digest in contents.tags.items():
        if digest in before and (subject := subject_of(tag)) in before:
            before[digest].add(subject)
    try:
        ranks = TopologicalSorter({digest: sorted(others) for digest, others in sorted(before.items())})
        return tuple(ranks.static_order())
    except CycleError:  # a tag may be called after an image in its own index; nothing that a tool makes is so
        return tuple(sorted(going, key=lambda digest: (not contents.manifests[digest].children, digest)))


def _freed(contents: Contents, going: set[str]) -> int:
    staying = {blob for digest, one in contents.manifests.items() if digest not in going for blob, _ in one.blobs}
    gone = {blob: size for digest in going for blob, size in contents.manifests[digest].blobs}
    return sum(size for blob, size in gone.items() if blob not in staying)


async def carry_out(way: Removal, chosen: CleaningPlan) -> None:
    """Remove what the plan says: names that share their image with a kept tag first, then whole images."""
    for tag in chosen.untag:
        await way.untag(tag)
    for digest in chosen.delete:
        await way.delete(digest, chosen.names(digest))


def render(chosen: CleaningPlan, *, applied: bool) -> str:
    """What went or would go, and how much."""
    if not chosen.tags and not chosen.delete:
        return "nothing to clean up"
    verb = "deleted" if applied else "would delete (dry run; add --apply)"
    lines = [f"{verb}: {len(chosen.tags)} tags, {len(chosen.delete)} manifests, {chosen.freed / 1e6:.1f} MB"]
    rows = [(tag, chosen.meant[tag][:_SHORT], _goes(tag, chosen)) for tag in sorted(chosen.tags)]
    lines += columns([("TAG", "IMAGE", "GOES"), *rows]).splitlines() if rows else []
    lines += [f"{chosen.keeper} keeps {one}" for one in chosen.refused]
    return "\n  ".join(lines)


def _goes(tag: str, chosen: CleaningPlan) -> str:
    if tag in chosen.untag:
        return "only the name: its image has another tag"
    return "with what it says of an image" if subject_of(tag) else "with its image"


def policy(
    settings: CleanupSettings,
    tags: str = "",
    older_than_days: int | None = None,
    keep_last: int | None = None,
    pull_request: str = "",
) -> CleaningPolicy:
    """What the call says, else what the configuration says. A pull request's tags go at any age unless one is given."""
    if pull_request and (tags or not pull_request.isdecimal()):
        raise UsageError("--pull-request is a number, and says which tags are meant: leave --tags out")
    if (older_than_days or 0) < 0 or (keep_last or 0) < 0:
        raise UsageError("--older-than-days and --keep-last must not be negative")
    names = tuple(f"{start}pr-{pull_request}{end}" for start in ("", "test-") for end in ("", "-*"))
    settled = 0 if pull_request else settings.older_than_days
    days = settled if older_than_days is None else older_than_days
    kept = (0 if pull_request else settings.keep_last) if keep_last is None else keep_last
    return CleaningPolicy(names if pull_request else (tags or settings.tags,), timedelta(days=days), kept)


async def removed(
    reference: Reference, credential: Credential | None, chosen: CleaningPolicy, *, apply: bool
) -> CleaningPlan:
    """Plan, and with `apply` carry out; the plan, with what could not be carried out of it."""
    async with connect(reference, credential) as repository:
        way = await ways.of(repository, reference, credential)
        contents = await read(repository)
        if chosen.orphans:
            contents = await with_orphans(repository, contents, await way.untagged())
        made = plan(contents, chosen)
        if apply:
            await carry_out(way, made)
        return replace(made, refused=tuple(way.kept), keeper=way.keeper)


async def clean_up(reference: Reference, credential: Credential | None, chosen: CleaningPolicy, *, apply: bool) -> str:
    """The same; the report."""
    made = await removed(reference, credential, chosen, apply=apply)
    return f"{reference.name}: {render(made, applied=apply)}"


def entry(reference: Reference, chosen: CleaningPlan, *, applied: bool) -> dict[str, Any]:
    """The same for programs: tags that went or would go, whether only as names, manifests by digest, bytes."""
    tags = [{"tag": tag, "only-the-name": tag in chosen.untag} for tag in sorted(chosen.tags)]
    manifests = list(chosen.delete)
    return {
        "repository": reference.name,
        "applied": applied,
        "tags": tags,
        "manifests": manifests,
        "bytes": chosen.freed,
        "refused": list(chosen.refused),
    }
