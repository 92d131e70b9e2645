"""Images from outside that a policy is asked about before anything is built on them: `verify.origins`."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

import dagger
from dagger import dag

from pipeline.config.config import OriginSettings
from pipeline.errors import BaselardError, ConfigError
from pipeline.lock import locked
from pipeline.project import Project
from pipeline.proof import policy, settings
from pipeline.proof.policy import ProofPolicy
from pipeline.references import parse_reference
from pipeline.registry import index
from pipeline.registry.client import AwaitedRepository, as_pulled
from pipeline.registry.index import Published


def rule(project: Project, reference: str) -> tuple[int, OriginSettings] | None:
    """The first rule about an image, and its number; a rule names repositories by a glob."""
    name = parse_reference(reference).name
    rules = enumerate(project.config.verify.origins)
    return next(((number, one) for number, one in rules if fnmatchcase(name, one.image)), None)


async def trusted(project: Project, reference: str, platform: str) -> dict[str, dagger.Container]:
    """The image as named contexts have it: for this platform by its own name, and by `NAME::PLATFORM` for each.

    It is of the very digest that was judged. BaselardError where the rule about it is broken.
    """
    number, wanted = _meant(project, reference)
    where = ("verify", "origins", str(number))
    trust = await settings.trust(project, where, wanted)
    if "signature" in wanted.require and not trust:
        raise ConfigError(f"{project.config.place(where)}: a signature is required, but no key or identity is named")
    image = parse_reference(locked(project.lock, reference))
    async with as_pulled(image) as repository:
        published = await index.read(repository, image.digest or image.tag or "latest")
        if published is None:
            raise BaselardError(f"{reference} is not in its registry")
        broken = await _broken(repository, published, ProofPolicy(wanted.require, trust, wanted.source))
    if broken:
        raise BaselardError(f"{reference} is not built on: {project.config.place(where)}: {'; '.join(broken)}")
    pinned = str(replace(image, tag="", digest=published.digest))
    named = {f"{reference}::{one.platform}": one.platform for one in published.platforms}
    return {key: _from(pinned, one) for key, one in {**named, reference: platform}.items()}


def _meant(project: Project, reference: str) -> tuple[int, OriginSettings]:
    found = rule(project, reference)
    if found is None:
        raise KeyError(reference)
    return found


def _from(reference: str, platform: str) -> dagger.Container:
    return dag.container(platform=dagger.Platform(platform) if platform else None).from_(reference)


async def _broken(repository: AwaitedRepository, published: Published, asked: ProofPolicy) -> list[str]:
    """The rules that are kept neither by the index nor by each of its images: any of these may be built on."""
    over = await policy.judged(repository, published.digest, asked)
    below = {one.platform: await policy.judged(repository, one.digest, asked) for one in published.platforms}
    broken = []
    for kind in asked.require:
        if policy.broken(kind, over, asked):
            reasons = {name: policy.broken(kind, one, asked) for name, one in below.items()}
            broken += [f"{name}: {said}" for name, said in reasons.items() if said][:1]
    return broken
