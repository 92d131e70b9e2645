"""The effect of a change on the images' sizes: each target beside the one that the default branch published last."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dagger
from dagger import dag

from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.together import each
from pipeline import archive, weights
from pipeline.archive import PackedLayer
from pipeline.calls import Call
from pipeline.discovery import choose
from pipeline.errors import BaselardError
from pipeline.images import title
from pipeline.model import Report
from pipeline.project import Base
from pipeline.registry import index
from pipeline.registry.client import connect
from pipeline.share import Account
from pipeline.tags import naming
from pipeline.tags.events import Event
from pipeline.weights import Sizes

SIZES = "sizes"
"""The key of a report's outputs: a list of name, compressed, unpacked, published (bytes, None if unknown), note and
layers from the lowest (created_by, unpacked, compressed, and hidden: what later layers replace or remove of it)."""


async def sizes(call: Call, account: Account) -> Report:
    """Budgets of all targets, and how their compressed sizes differ from what is published."""
    platform = call.platform or str(await dag.default_platform())
    measured = [(base, target, await _measured(call, base, target)) for base, target in choose.targets(call.project)]
    published = [(base, target, one) for base, target, one in measured if one]
    before = await each(published, lambda one: _published(call, account, (one[0], one[1]), platform))
    suites = tuple(weights.check(one, base.settings.budgets.get(target, "")) for base, target, one in published)
    listed = [_entry(one, *beside) for (_, _, one), beside in zip(published, before, strict=True)]
    named = tuple(replace(suite, name=f"size of {suite.name}") for suite in suites)
    return Report("size", named, call.clock.started, call.clock.now(), {SIZES: listed})


async def _measured(call: Call, base: Base, target: str) -> Sizes | None:
    """None for a base that does not build, which its own tests report."""
    try:
        return Sizes(title(base, target), await archive.read(await call.images.base(base, target)))
    except (BaselardError, DockerfileError, dagger.QueryError):
        return None


async def _published(call: Call, account: Account, meant: tuple[Base, str], platform: str) -> tuple[int | None, str]:
    """Bytes of the published image's layers, as `Archive.compressed` has them; None, and why, when unknown."""
    branch = call.project.config.publish.default_branch
    try:
        references = naming.of_target(call.project, *meant, Event(f"refs/heads/{branch}", default_branch=branch))
        if not references:
            return None, f"{branch} publishes nothing"
        async with connect(references[0], await account.credentials()) as repository:
            found = await index.read(repository, references[0].tag)
    except BaselardError as error:
        return None, str(error)
    images = {one.platform: one.layers_size for one in found.platforms} if found else {}
    return images.get(
        platform
    ), f"against {references[0]}" if platform in images else f"{references[0]} is not there yet"


def _entry(measured: Sizes, published: int | None, note: str) -> dict[str, Any]:
    return {
        "name": measured.name,
        "compressed": measured.archive.compressed,
        "unpacked": measured.archive.unpacked,
        "published": published,
        "note": note,
        "layers": [_layer(layer) for layer in measured.archive.layers],
    }


def _layer(layer: PackedLayer) -> dict[str, Any]:
    made_by = weights.instruction(layer.created_by) or layer.digest[:19]
    counts = {"unpacked": layer.unpacked, "compressed": layer.compressed, "hidden": layer.hidden}
    return {"created_by": made_by, **counts}
