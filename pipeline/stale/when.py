"""Whether published images stand on bases that have moved since, by what the images say of themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass

from baselard import dockerfile
from baselard.oci.reference import Reference
from pipeline.discovery import choose
from pipeline.errors import BaselardError
from pipeline.lock import locked
from pipeline.model import Case, Suite, Verdict
from pipeline.project import Base, Project, base_of
from pipeline.publish.publication import PublishRequest
from pipeline.references import parse_reference
from pipeline.registry import index
from pipeline.registry.client import connect
from pipeline.registry.index import PlatformImage
from pipeline.share import Account
from pipeline.tags import naming
from pipeline.tags.labels import PREFIX


@dataclass(frozen=True)
class Looked:
    """The findings: a reason for each image that is to be built anew; none where nothing moved."""

    reasons: tuple[str, ...]

    @property
    def suite(self) -> Suite:
        """The same as a part of a report."""
        said = self.reasons or ("no base has moved since what is published was built; nothing was built",)
        return Suite("stale", tuple(Case("bases", Verdict.NOTED, message=one) for one in said))


async def look(project: Project, request: PublishRequest) -> Looked:
    """Ask about every target, as it is published for this event. What cannot be known is a reason, too."""
    found = [await _why(project, request, *one) for one in choose.targets(project)]
    return Looked(tuple(dict.fromkeys(reason for reason in found if reason)))


async def _why(project: Project, request: PublishRequest, base: Base, target: str) -> str:
    """Why a target is to be built anew; empty where its base is what it was built on."""
    text = await project.source.file(base.dockerfile).contents()
    written = dockerfile.image_under(text, base.dockerfile, target, build_args=base.settings.build_args)
    if not written or base_of(written, [one for one in project.bases if one is not base]):
        return ""  # on nothing, or on what this very project builds, which is asked about itself
    where = naming.of_target(project, base, target, request.event)[0]
    try:
        async with connect(where, await request.account.credentials()) as repository:
            published = await index.read(repository, where.tag)
        if published is None:
            return f"{where} is not published"
        if missing := set(request.platforms) - {one.platform for one in published.platforms}:
            return f"{where} is not published for {', '.join(sorted(missing))}"
        under = parse_reference(locked(project.lock, written))
        now = {under.digest} if under.digest else await _now(under, where, request.account)
    except BaselardError as error:
        return f"{where}: nobody can tell whether its base moved: {error}"
    return next((reason for one in published.platforms if (reason := _moved(where, one, under, now))), "")


async def _now(under: Reference, where: Reference, account: Account) -> set[str]:
    """The digest that a base's tag leads to, and those of its platforms; BaselardError where it is not there."""
    credential = await account.credentials() if under.registry == where.registry else None
    async with connect(under, credential) as repository:
        answer = await repository.manifest(under.tag or "latest")
    if answer is None:
        raise BaselardError(f"{under} is not in the registry")
    return {answer.digest, *(str(one["digest"]) for one in json.loads(answer.body).get("manifests") or ())}


def _moved(where: Reference, image: PlatformImage, under: Reference, now: set[str]) -> str:
    said = dict(image.annotations)
    name, digest = said.get(f"{PREFIX}base.name", ""), said.get(f"{PREFIX}base.digest", "")
    wanted = f"{under.name}:{under.tag or 'latest'}"
    if not digest:
        return f"{where} does not say which base it was built on"
    if name != wanted:
        return f"{where} was built on {name}, and its Dockerfile says {wanted}"
    return "" if digest in now else f"{wanted} has moved since {where} was built on {digest[:19]}"
