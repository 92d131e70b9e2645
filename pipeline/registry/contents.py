"""The content of a registry's repository: manifests with what they point to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from baselard.oci.registry.repository import Answer
from baselard.oci.together import each
from pipeline.registry.client import AwaitedRepository

CREATED = "org.opencontainers.image.created"


_ABOUT = re.compile(r"sha256-([0-9a-f]{64})(?:\.\w+)?")


def subject_of(tag: str) -> str:
    """The digest of the image that a tag is about: OCI's fallback for referrers, and cosign's .sig, .att, .sbom.

    Empty for a tag that names an image.
    """
    match = _ABOUT.fullmatch(tag)
    return f"sha256:{match[1]}" if match else ""


@dataclass(frozen=True)
class StoredManifest:
    """One manifest or index: `blobs` are sizes by digest, `children` an index's manifests, `subject` its referent."""

    digest: str
    children: tuple[str, ...] = ()
    subject: str = ""
    created: datetime | None = None
    blobs: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Contents:
    """A repository: the digest behind each tag, and every manifest that is reachable from a tag or refers to one.

    `lost` are images that are gone, while something that refers to them is still there.
    """

    tags: Mapping[str, str]
    manifests: Mapping[str, StoredManifest]
    lost: frozenset[str] = frozenset()


async def with_orphans(repository: AwaitedRepository, contents: Contents, untagged: Iterable[str] = ()) -> Contents:
    """The same with what refers to images that are gone: below a tag of its own, or among the `untagged` manifests."""
    manifests = dict(contents.manifests)
    for digest in untagged:
        answer = None if digest in manifests else await repository.manifest(digest)
        if answer and (one := await _manifest(repository, digest, answer)).subject:
            manifests[digest] = one
    subjects = {*map(subject_of, contents.tags), *(manifest.subject for manifest in manifests.values())} - {
        "",
        *manifests,
    }
    asked = sorted(subjects)
    answers = await each(asked, repository.manifest)
    lost = frozenset(subject for subject, answer in zip(asked, answers, strict=True) if answer is None)
    kept = {name: one for name, one in manifests.items() if name in contents.manifests or one.subject in lost}
    return replace(contents, manifests=kept, lost=lost)


async def read(repository: AwaitedRepository) -> Contents:
    """Walk from the tags to all children and referrers. A missing child is no error: platforms may be absent."""
    names = await repository.tags()
    answers = await each(names, repository.manifest)
    tags = {name: answer.digest for name, answer in zip(names, answers, strict=True) if answer}
    manifests: dict[str, StoredManifest] = {}
    waiting: dict[str, Answer | None] = {answer.digest: answer for answer in answers if answer}
    while waiting:
        digest, known = waiting.popitem()
        answer = known or await repository.manifest(digest)
        if answer is None:
            continue
        manifests[digest] = await _manifest(repository, digest, answer)
        referring = [str(one["digest"]) for one in await repository.referrers(digest)]
        waiting.update({one: None for one in (*manifests[digest].children, *referring) if one not in manifests})
    return Contents(tags, manifests)


async def _manifest(repository: AwaitedRepository, digest: str, answer: Answer) -> StoredManifest:
    document = json.loads(answer.body)
    created = await _created(repository, document)
    return parse(digest, document, len(answer.body), created)


async def _created(repository: AwaitedRepository, document: Mapping[str, Any]) -> datetime | None:
    """When the image was made, by its label or config; the annotation wins, as an index has no config."""
    said = (document.get("annotations") or {}).get(CREATED)
    if not said and "config" in document:
        config = await repository.blob(document["config"]["digest"])
        said = _config_created(config or b"{}")
    return _time(str(said)) if said else None


def _time(label: str) -> datetime | None:
    """Labels are anybody's words: what is no time tells no age, and a time without a zone is UTC."""
    try:
        time = datetime.fromisoformat(label)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _config_created(config: bytes) -> str:
    try:
        document = json.loads(config)
        labels = (document.get("config") or {}).get("Labels") or {}
        return str(labels.get(CREATED) or document.get("created") or "")
    except (ValueError, AttributeError):
        return ""


def parse(digest: str, document: Mapping[str, Any], size: int, created: datetime | None) -> StoredManifest:
    """A manifest document as what it points to; its own bytes count too."""
    parts = [*document.get("layers", []), *([document["config"]] if "config" in document else [])]
    return StoredManifest(
        digest,
        tuple(child["digest"] for child in document.get("manifests", [])),
        (document.get("subject") or {}).get("digest", ""),
        created,
        ((digest, size), *((part["digest"], int(part["size"])) for part in parts)),
    )


def reachable(contents: Contents, digests: Iterable[str]) -> set[str]:
    """These manifests, all that they hold, and all that refers to any of them."""
    referring: dict[str, list[str]] = {}
    for manifest in contents.manifests.values():
        if manifest.subject:
            referring.setdefault(manifest.subject, []).append(manifest.digest)
    seen: set[str] = set()
    waiting = list(digests)
    while waiting:
        digest = waiting.pop()
        if digest in seen or digest not in contents.manifests:
            continue
        seen.add(digest)
        waiting += [*contents.manifests[digest].children, *referring.get(digest, [])]
    return seen
