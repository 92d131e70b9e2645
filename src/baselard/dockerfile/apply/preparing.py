"""Before anything runs: the configs of what stages start from, and the steps of every stage that is needed."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from baselard.dockerfile.apply.builder import C, D
from baselard.dockerfile.apply.state import Build, together, trees_of
from baselard.dockerfile.plan.lower import Lowered, lower_stage
from baselard.dockerfile.plan.stages import NamedContext, ResolvedStage, ScratchSource, StageOutput
from baselard.dockerfile.plan.steps import ImageConfig


async def prepare(build: Build[C, D]) -> None:
    """Fill `build.configs` and `build.lowered` for the target and all it needs."""
    await _fetch_configs(build, build.plan.needed)
    await _lower_needed(build, build.plan.target)


async def _fetch_configs(build: Build[C, D], stages: Iterable[int]) -> None:
    """Ask once for the config of each image and container that a stage starts from."""
    outside = [build.plan.stages[i] for i in stages if i not in build.configs]
    jobs = [functools.partial(_fetch_config, build, one) for one in outside if not isinstance(one.base, StageOutput)]
    await together(jobs)


async def _fetch_config(build: Build[C, D], stage: ResolvedStage) -> None:
    if _is_no_image(build, stage):
        build.configs[stage.index] = ImageConfig()
        return
    container = build.container_of(stage.base, stage.platform)
    build.configs[stage.index] = await build.builder.config_of(container)


def _is_no_image(build: Build[C, D], stage: ResolvedStage) -> bool:
    base = stage.base
    return isinstance(base, ScratchSource) or (
        isinstance(base, NamedContext) and base.key in build.contexts.directories
    )


async def _lower_needed(build: Build[C, D], index: int) -> None:
    """Lower a stage and all that its steps read: a base's triggers may name stages that nothing else does."""
    if index in build.lowered:
        return
    stage = build.plan.stages[index]
    build.lowered[index] = await _lower(build, stage)
    for step in build.lowered[index].steps:
        for tree in trees_of(step):
            if isinstance(tree, StageOutput):
                await _lower_needed(build, tree.index)


async def _lower(build: Build[C, D], stage: ResolvedStage) -> Lowered:
    if isinstance(stage.base, StageOutput):
        await _lower_needed(build, stage.base.index)
        inherited = build.lowered[stage.base.index]
        build.configs[stage.index] = inherited.config
        return lower_stage(build.plan, stage, inherited.config, inherited)
    await _fetch_configs(build, [stage.index])
    config = build.configs[stage.index]
    if stage.replaced:
        return Lowered((), config, dict(config.env))
    return lower_stage(build.plan, stage, config, from_nothing=_is_no_image(build, stage))
