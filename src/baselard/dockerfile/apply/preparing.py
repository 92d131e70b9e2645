"""Before anything runs: the configs of what stages start from, and the steps of every stage that is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from baselard.dockerfile.apply.builder import C, D
from baselard.dockerfile.apply.owners import is_numeric
from baselard.dockerfile.apply.state import Build, trees_of
from baselard.dockerfile.plan.lower import Lowered, lower_stage
from baselard.dockerfile.plan.stages import NamedContext, ResolvedStage, ScratchSource, Source, StageOutput
from baselard.dockerfile.plan.steps import Configure, CopyStep, MakeDirectory, Step
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.image_config import ImageConfig
from baselard.oci.together import together


async def prepare(build: Build[C, D]) -> None:
    """Fill `build.configs` and `build.lowered` for the target and all it needs.

    Raises DockerfileError for an owner's name where BuildKit has no files to look it up in.
    """
    await _fetch_configs(build, build.plan.needed)
    await _lower_needed(build, build.plan.target)
    for index, lowered in build.lowered.items():
        if _is_nothing(build, build.plan.stages[index].base):
            _check_first_owner(next(_writing(lowered), None))


def _is_nothing(build: Build[C, D], base: Source) -> bool:
    """Whether there is no tree at all: nothing has been written since `FROM scratch`."""
    if isinstance(base, StageOutput):
        written = any(_writing(build.lowered[base.index]))
        return not written and _is_nothing(build, build.plan.stages[base.index].base)
    return isinstance(base, ScratchSource)


def _writing(lowered: Lowered) -> Iterator[Step]:
    return (step for step in lowered.steps if not isinstance(step, Configure))


def _check_first_owner(step: Step | None) -> None:
    owner = step.owner if isinstance(step, CopyStep) else step.user if isinstance(step, MakeDirectory) else ""
    if step and not is_numeric(owner):
        raise DockerfileError(
            f"invalid user index: -1: nothing here says who {owner!r} is, as there are no files yet; use numbers",
            step.place,
        )


async def _fetch_configs(build: Build[C, D], stages: Iterable[int]) -> None:
    """Ask once for the config of each image and container that a stage starts from."""
    outside = [build.plan.stages[i] for i in stages if i not in build.configs]
    await together(_fetch_config(build, one) for one in outside if not isinstance(one.base, StageOutput))


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
