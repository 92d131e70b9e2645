"""Marks by which a published base is known: the values of its labels and annotations."""

from __future__ import annotations

import dagger
from dagger import dag

from baselard import dockerfile
from pipeline import archive
from pipeline.conventions import froms
from pipeline.discover import Base, Project, base_of
from pipeline.images import Images
from pipeline.references import parse_reference
from pipeline.tags import naming
from pipeline.tags.events import Event
from pipeline.tags.labels import labels


async def of(images: Images, project: Project, base: Base, target: str, event: Event) -> dict[str, str]:
    """All labels of one target. They are set before the tests: what is pushed is what was tested."""
    settings = project.config.publish
    under, digest = await _under(images, project, base, target)
    known = {
        "title": parse_reference(base.name).repository.rpartition("/")[2],
        "licenses": settings.licenses,
        "source": settings.source,
        "base.name": under,
        "base.digest": digest,
    }
    return labels(event, naming.tags_of(project, base, target, event).version, known, settings.labels)


async def _under(images: Images, project: Project, base: Base, target: str) -> tuple[str, str]:
    """The image that a target stands on, and its digest."""
    text = await project.source.file(base.dockerfile).contents()
    written = dockerfile.image_under(text, base.dockerfile, target, build_args=base.settings.build_args)
    return await _resolved(images, project, base, written) if written else ("", "")


async def origins(images: Images, project: Project, base: Base, text: str) -> list[tuple[str, str]]:
    """Every image from outside that a stage of the base's Dockerfile starts from, and its digest."""
    written = dict.fromkeys(one.reference for one in froms(text, base.dockerfile, base.settings.build_args))
    return [await _resolved(images, project, base, one) for one in written]


async def _resolved(images: Images, project: Project, base: Base, written: str) -> tuple[str, str]:
    """An image's name and its digest. One that was bootstrapped has none: nobody could pull it."""
    found = parse_reference(written)
    name = f"{found.name}:{found.tag or 'latest'}"
    if meant := base_of(written, [one for one in project.bases if one is not base]):
        return name, (await archive.identify(await images.base(*meant), images.platform)).digest
    platform = dagger.Platform(images.platform) if images.platform else None
    return name, parse_reference(await dag.container(platform=platform).from_(written).image_ref()).digest
