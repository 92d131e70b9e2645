"""Marks by which a published base is known: the values of its labels and annotations."""

from __future__ import annotations

from dataclasses import dataclass

import dagger
from dagger import dag

from baselard import dockerfile
from pipeline import archive
from pipeline.conventions import froms
from pipeline.images import Images
from pipeline.lock import locked
from pipeline.project import Base, Project, base_of
from pipeline.references import parse_reference
from pipeline.tags import naming
from pipeline.tags.events import Event
from pipeline.tags.labels import labels

BOOTSTRAPPED = "dev.baselard.base.bootstrapped"
"""The label of an image whose base was made on the spot: in no registry is there one of `base.digest`."""


@dataclass(frozen=True)
class OutsideImage:
    """An image from outside and its digest, by which it can be pulled unless it was bootstrapped."""

    name: str
    digest: str
    bootstrapped: bool = False


async def of(images: Images, project: Project, base: Base, target: str, event: Event) -> dict[str, str]:
    """All labels of one target. They are set before the tests: what is pushed is what was tested."""
    settings = project.config.publish
    under = await _under(images, project, base, target)
    known = {
        "title": parse_reference(base.name).repository.rpartition("/")[2],
        "licenses": settings.licenses,
        "source": settings.source,
        "base.name": under.name if under else "",
        "base.digest": under.digest if under else "",
    }
    lines = [f"{BOOTSTRAPPED}=true"] if under and under.bootstrapped else []
    return labels(event, naming.tags_of(project, base, target, event).version, known, [*lines, *settings.labels])


async def _under(images: Images, project: Project, base: Base, target: str) -> OutsideImage | None:
    """The image that a target stands on; None for scratch."""
    text = await project.source.file(base.dockerfile).contents()
    written = dockerfile.image_under(text, base.dockerfile, target, build_args=base.settings.build_args)
    return await _resolved(images, project, base, written) if written else None


async def origins(images: Images, project: Project, base: Base, text: str) -> list[OutsideImage]:
    """Every image from outside that a stage of the base's Dockerfile starts or copies from."""
    written = dict.fromkeys(one.reference for one in froms(text, base.dockerfile, base.settings.build_args))
    return [await _resolved(images, project, base, one) for one in written]


async def _resolved(images: Images, project: Project, base: Base, written: str) -> OutsideImage:
    found, written = parse_reference(written), locked(project.lock, written)
    name = f"{found.name}:{found.tag or 'latest'}"
    if meant := base_of(written, [one for one in project.bases if one is not base]):
        return OutsideImage(name, (await archive.identify(await images.base(*meant), images.platform)).digest)
    platform = dagger.Platform(images.platform) if images.platform else None
    image = dag.container(platform=platform).from_(written)
    if digest := parse_reference(await image.image_ref()).digest:
        return OutsideImage(name, digest)
    return OutsideImage(name, (await archive.identify(image, images.platform)).digest, bootstrapped=True)
