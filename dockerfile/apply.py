"""A plan → calls on a builder. Stages run beside each other; what can fail without running anything fails first."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import anyio

from dockerfile.builder import Builder, C, D, Mounted, Placement, Target
from dockerfile.errors import DockerfileError, Warning_
from dockerfile.looking import find, look_into_contexts, mount_item
from dockerfile.placing import directory_of, place_item
from dockerfile.preparing import prepare
from dockerfile.stages import Plan, ScratchSource, StageOutput
from dockerfile.state import Build, Contexts, together, trees_of
from dockerfile.steps import (
    Configure,
    CopyStep,
    ImageConfig,
    MakeDirectory,
    MountStep,
    RunStep,
    Step,
    Tree,
)

# The SDK prints a chain of calls recursively and gives up at about 470 of them.
MOST_CALLS = 200


async def apply(plan: Plan, builder: Builder[C, D], contexts: Contexts[C, D], warn: Callable[[Warning_], None]) -> C:
    """The target stage's container. Raises DockerfileError; an engine's own errors pass through."""
    build = Build(plan, builder, contexts)
    await prepare(build)
    _warn_of_limits(build, warn)
    await look_into_contexts(build)
    build.done = {index: anyio.Event() for index in build.lowered}
    await together([functools.partial(_run_stage, build, index) for index in build.lowered])
    return await builder.finish(_target(build))


def _warn_of_limits(build: Build[C, D], warn: Callable[[Warning_], None]) -> None:
    for index, lowered in sorted(build.lowered.items()):
        before = build.configs[index]
        for warning in lowered.warnings if "check" in build.plan.dockerfile.directives else ():
            warn(warning)
        for step in lowered.steps:
            for rule, message in build.builder.limits(step, before):
                warn(Warning_(message, step.place, rule))
            before = step.config if isinstance(step, Configure) else before


async def _wait_for(build: Build[C, D], trees: Iterable[Tree]) -> None:
    for tree in trees:
        if isinstance(tree, StageOutput):
            await build.done[tree.index].wait()


async def _run_stage(build: Build[C, D], index: int) -> None:
    stage, lowered = build.plan.stages[index], build.lowered[index]
    await _wait_for(build, [stage.base])
    container = build.container_of(stage.base, stage.platform)
    config = build.configs[index]
    made: set[str] = {"/"}
    calls = 0
    for step in lowered.steps:
        calls += calls_of(step, config)
        if calls > MOST_CALLS:
            container, calls = await build.builder.settle(container), 0
        await _wait_for(build, trees_of(step))
        if isinstance(step, CopyStep):
            container = await _copy(build, container, step, made)
        else:
            container = await _apply_step(build, container, config, step, made)
        config = step.config if isinstance(step, Configure) else config
    build.containers[index] = container
    build.done[index].set()


def calls_of(step: Step, before: ImageConfig) -> int:
    """About how many calls a step adds to its container's chain; a COPY's matches are the builder's to count."""
    if isinstance(step, RunStep):
        return 1 + 2 * (len(step.env) + len(step.proxies) + len(step.mounts))
    if isinstance(step, CopyStep):
        return 2 * len(step.items)
    if isinstance(step, MakeDirectory):
        return step.path.count("/")
    after = step.config
    changed = [*(after.env.items() - before.env.items()), *(after.labels.items() - before.labels.items())]
    return len(changed) + abs(len(after.ports) - len(before.ports)) + 5


async def _apply_step(
    build: Build[C, D], container: C, config: ImageConfig, step: Configure | MakeDirectory | RunStep, made: set[str]
) -> C:
    """The container after a step; `made` holds the directories that are known to be there."""
    if isinstance(step, Configure):
        return build.builder.configure(container, config, step.config)
    if isinstance(step, MakeDirectory):
        made.add(step.path)
        return await build.builder.make_directory(container, step.path, step.user)
    mounts = [await _mounted(build, step, one) for one in step.mounts if _wanted(build, step, one)]
    made.intersection_update({"/"})  # the command may remove what it likes
    return build.builder.run(container, config, step, mounts)


async def _copy(build: Build[C, D], container: C, step: CopyStep, made: set[str]) -> C:
    """Copy, into directories that are made first: a copy alone would make a new one look like its source."""
    placements = await _placements(build, step)
    for folder in dict.fromkeys(folder for one in placements if (folder := directory_of(one))):
        if folder not in made:
            container = await build.builder.make_directory(container, folder, step.owner)
            made.add(folder)
    return await build.builder.copy(container, placements)


def _wanted(build: Build[C, D], step: RunStep, mount: MountStep) -> bool:
    """Whether to mount at all: a secret that was not given is left out. Raises for what is required and not there."""
    if mount.kind not in ("secret", "ssh"):
        return True
    there = build.builder.has_secret(mount.id) if mount.kind == "secret" else build.builder.has_ssh()
    if mount.required and not there:
        raise DockerfileError(f"{mount.kind} {mount.id}: not found; give it to the build by this id", step.place)
    return there or mount.kind == "ssh"


async def _mounted(build: Build[C, D], step: RunStep, mount: MountStep) -> Mounted[D]:
    if mount.kind not in ("bind", "cache") or (mount.kind == "cache" and isinstance(mount.tree, ScratchSource)):
        return Mounted(mount)
    found = await find(build, step, mount_item(mount)) if mount.source != "/" else []
    return Mounted(mount, build.tree_of(mount.tree), not found or found[0].is_directory)


async def _placements(build: Build[C, D], step: CopyStep) -> list[Placement[D]]:
    placements: list[Placement[D]] = []
    for item in step.items:
        found = await find(build, step, item)
        tree = build.tree_of(item.tree)
        placements += [place for one in found for place in place_item(step, item, one, tree)]
    return placements


def _target(build: Build[C, D]) -> Target[C]:
    stage = build.plan.stages[build.plan.target]
    root = stage
    while isinstance(root.base, StageOutput):
        root = build.plan.stages[root.base.index]
    return Target(
        build.containers[stage.index],
        build.configs[root.index],
        build.lowered[stage.index].config,
        root.base,
        stage.platform,
    )
