"""A plan → calls on a builder. Stages run beside each other; what can fail without running anything fails first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic

import anyio

from baselard.dockerfile.apply.builder import BlockedError, BuiltTarget, C, D, MountedTree, Placement
from baselard.dockerfile.apply.looking import find, look_into_contexts, mount_item
from baselard.dockerfile.apply.owners import is_numeric, may_change_owners, resolve_owner
from baselard.dockerfile.apply.placing import place_item
from baselard.dockerfile.apply.preparing import prepare
from baselard.dockerfile.apply.state import Build, Made, trees_of
from baselard.dockerfile.plan.stages import ResolvedStage, ScratchSource, StageOutput
from baselard.dockerfile.plan.steps import (
    Configure,
    CopyStep,
    MakeDirectory,
    MountStep,
    RunStep,
    Step,
    Tree,
)
from baselard.dockerfile.syntax.errors import DockerfileError, Warning_
from baselard.oci.image_config import ImageConfig
from baselard.oci.together import together

# The SDK prints a chain of calls recursively and gives up at about 470 of them.
MOST_CALLS = 200


@dataclass
class _Course(Generic[C]):
    """How far a stage has come. `described` is the container in which the names of owners are looked up: the last one
    that may know others than those before it."""

    container: C
    described: C
    made: tuple[Made[C], ...]


async def apply(build: Build[C, D]) -> tuple[C, tuple[Made[C], ...]]:
    """The target stage's container, and what its files come from, its base first.

    Raises DockerfileError; an engine's own errors pass through.
    """
    await prepare(build)
    _warn_of_limits(build)
    await look_into_contexts(build)
    build.done = {index: anyio.Event() for index in build.lowered}
    await together(_run_stage(build, index) for index in build.lowered)
    return await build.builder.finish(_target(build)), build.made[StageOutput(build.plan.target)]


def _warn_of_limits(build: Build[C, D]) -> None:
    for index, lowered in sorted(build.lowered.items()):
        before = build.configs[index]
        for warning in lowered.warnings if "check" in build.plan.dockerfile.directives else ():
            build.warn(warning)
        for step in lowered.steps:
            for rule, message in build.builder.limits(step, before):
                build.warn(Warning_(message, step.place, rule))
            before = step.config if isinstance(step, Configure) else before


async def _wait_for(build: Build[C, D], trees: Iterable[Tree]) -> None:
    for tree in trees:
        if isinstance(tree, StageOutput):
            await build.done[tree.index].wait()


async def _run_stage(build: Build[C, D], index: int) -> None:
    stage, lowered = build.plan.stages[index], build.lowered[index]
    await _wait_for(build, [stage.base])
    start = build.container_of(stage.base, stage.platform)
    course = _Course(start, build.described.get(stage.base, start), build.made.get(stage.base) or _base(stage, start))
    config = build.configs[index]
    calls = 0
    for step in lowered.steps:
        calls += calls_of(step, config)
        if calls > MOST_CALLS:
            course.container, calls = await build.builder.settle(course.container), 0
        await _wait_for(build, trees_of(step))
        await _apply_step_at(build, course, config, step)
        if isinstance(step, Configure):
            added = step.config.history[len(config.history) :]
            course.made += tuple(Made(one.created_by, course.container) for one in added if not one.empty_layer)
            config = step.config
    build.containers[index] = course.container
    build.described[StageOutput(index)] = course.described
    build.made[StageOutput(index)] = course.made
    build.done[index].set()


def _base(stage: ResolvedStage, start: C) -> tuple[Made[C], ...]:
    """The base of a stage, unless that is nothing."""
    return () if isinstance(stage.base, ScratchSource) else (Made(f"FROM {stage.reference}", start),)


def calls_of(step: Step, before: ImageConfig) -> int:
    """About how many calls a step adds to its container's chain; a COPY's matches are the builder's to count."""
    if isinstance(step, RunStep):
        return 1 + 2 * (len(step.env) + len(step.proxies) + len(step.mounts))
    if isinstance(step, CopyStep):
        return 2 * len(step.items)
    if isinstance(step, MakeDirectory):
        return step.path.count("/")
    after = step.config
    changed = [*(set(after.env) - set(before.env)), *(set(after.labels) - set(before.labels))]
    return len(changed) + abs(len(after.exposed_ports) - len(before.exposed_ports)) + 5


async def _apply_step_at(build: Build[C, D], course: _Course[C], config: ImageConfig, step: Step) -> None:
    """Apply a step; what is in its way is told with its line."""
    try:
        await _apply_step(build, course, config, step)
    except BlockedError as blocked:
        raise DockerfileError(str(blocked), step.place) from blocked


async def _apply_step(build: Build[C, D], course: _Course[C], config: ImageConfig, step: Step) -> None:
    if isinstance(step, Configure):
        course.container = build.builder.configure(course.container, config, step.config)
    elif isinstance(step, MakeDirectory):
        await _make_directory(build, course, step.path, step.user)
    elif isinstance(step, CopyStep):
        await _copy(build, course, step)
    else:
        mounts = [await _mounted(build, step, mount) for mount in step.mounts if _wanted(build, step, mount)]
        course.container = build.builder.run(course.container, config, step, mounts)
        build.ran(step, course.container)
        # The command may have removed and added what it likes.
        course.described = course.container


async def _make_directory(build: Build[C, D], course: _Course[C], path: str, owner: str) -> None:
    numeric = await _numeric(build, course, owner)
    course.container = await build.builder.make_directory(course.container, path, numeric)


async def _copy(build: Build[C, D], course: _Course[C], step: CopyStep) -> None:
    placements = await _placements(build, step)
    if not placements:
        return
    owner = await _numeric(build, course, step.owner)
    placements = [replace(placement, owner=owner) for placement in placements]

    def warn(rule: str, message: str) -> None:
        build.warn(Warning_(message, step.place, rule))

    course.container = await build.builder.copy(course.container, placements, warn)
    if any(may_change_owners(one.path, one.dest) for one in placements):
        course.described = course.container


async def _numeric(build: Build[C, D], course: _Course[C], owner: str) -> str:
    """`uid:gid`, or "" for "" (keep the source's)."""
    if not owner or is_numeric(owner):
        return owner and resolve_owner(owner)
    return resolve_owner(owner, *await build.builder.owner_tables(course.described))


def _wanted(build: Build[C, D], step: RunStep, mount: MountStep) -> bool:
    """Whether to mount at all: a secret that was not given is left out. Raises for what is required and not there."""
    if mount.kind not in ("secret", "ssh"):
        return True
    there = build.builder.has_secret(mount.id) if mount.kind == "secret" else build.builder.has_ssh()
    if mount.required and not there:
        said = f'{mount.kind} "{mount.id}" is required but was not provided; give it to the build by this id'
        raise DockerfileError(said, step.place)
    return there or mount.kind == "ssh"


async def _mounted(build: Build[C, D], step: RunStep, mount: MountStep) -> MountedTree[D]:
    if mount.kind not in ("bind", "cache") or (mount.kind == "cache" and isinstance(mount.tree, ScratchSource)):
        return MountedTree(mount)
    found = await find(build, step, mount_item(mount)) if mount.source != "/" else []
    return MountedTree(mount, build.tree_of(mount.tree), not found or found[0].is_directory)


async def _placements(build: Build[C, D], step: CopyStep) -> list[Placement[D]]:
    placements: list[Placement[D]] = []
    for item in step.items:
        found = await find(build, step, item)
        tree = build.tree_of(item.tree)
        placements += [place for one in found for place in place_item(step, item, one, tree)]
    return placements


def _target(build: Build[C, D]) -> BuiltTarget[C]:
    stage = build.plan.stages[build.plan.target]
    root = stage
    while isinstance(root.base, StageOutput):
        root = build.plan.stages[root.base.index]
    return BuiltTarget(
        build.containers[stage.index],
        build.configs[root.index],
        build.lowered[stage.index].config,
        root.base,
        stage.platform,
    )
