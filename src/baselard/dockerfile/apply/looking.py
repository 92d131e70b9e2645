"""What the sources of COPY, ADD and bind mounts match. Contexts are looked into first, with one question each."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from baselard.dockerfile.apply.builder import C, D, Found
from baselard.dockerfile.apply.state import Build, together
from baselard.dockerfile.plan.stages import MainContext, NamedContext, StageOutput
from baselard.dockerfile.plan.steps import CopyItem, CopyStep, Inline, MountStep, RunStep, Step, Tree, Url
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.dockerfile.syntax.paths import has_wildcards, relative, unescape


async def look_into_contexts(build: Build[C, D]) -> None:
    """Find every path that is read from a context. Raises DockerfileError for the first that is missing."""
    wanted: dict[Tree, dict[str, None]] = {}
    for _, item in _context_items(build):
        wanted.setdefault(item.tree, {})[search_pattern(item)] = None
    await together([functools.partial(_look_up, build, tree, list(found)) for tree, found in wanted.items()])
    for step, item in _context_items(build):
        _check(step, item, build.found[item.tree, search_pattern(item)])


async def find(build: Build[C, D], step: Step, item: CopyItem) -> list[Found]:
    """What an item matches; a stage or an image is asked only now, when it can be."""
    pattern = search_pattern(item)
    if isinstance(item.tree, Inline | Url):
        return [Found(pattern, False)]
    required = _required(item)
    patterns = [pattern, *([search_pattern(required)] if required else [])]
    unknown = [one for one in patterns if one != "." and (item.tree, one) not in build.found]
    await _look_up(build, item.tree, unknown)
    if required:
        _check(step, required, build.found[item.tree, search_pattern(required)])
    found = [Found(".", True)] if pattern == "." else build.found[item.tree, pattern]
    _check(step, item, found)
    return found


def mount_item(mount: MountStep) -> CopyItem:
    """A bind or cache mount's source as an item."""
    return CopyItem(mount.tree, mount.source, literal=True)


def search_pattern(item: CopyItem) -> str:
    """The pattern to look up in the item's tree, relative to its root."""
    if item.literal or has_wildcards(item.pattern):
        return relative(item.pattern)
    return relative(unescape(item.pattern))


def _context_items(build: Build[C, D]) -> Iterator[tuple[Step, CopyItem]]:
    for lowered in build.lowered.values():
        for step in lowered.steps:
            for item in _items(step):
                if isinstance(item.tree, MainContext | NamedContext) and search_pattern(item) != ".":
                    yield step, item


def _items(step: Step) -> Iterator[CopyItem]:
    if isinstance(step, CopyStep):
        for item in step.items:
            required = _required(item)
            yield from (item, required) if required else (item,)
    elif isinstance(step, RunStep):
        yield from (mount_item(mount) for mount in step.mounts if mount.kind == "bind")


def _required(item: CopyItem) -> CopyItem | None:
    """What a `--parents` source names must exist, unless it has wildcards."""
    if not item.keep or has_wildcards(item.pattern) or has_wildcards(item.keep):
        return None
    return CopyItem(item.tree, f"{item.pattern}/{item.keep}", literal=True)


async def _look_up(build: Build[C, D], tree: Tree, patterns: list[str]) -> None:
    if not patterns:
        return
    answers = await build.builder.look_up(build.tree_of(tree), patterns)
    for pattern, found in zip(patterns, answers, strict=True):
        build.found[tree, pattern] = found


def _check(step: Step, item: CopyItem, found: list[Found]) -> None:
    if found or (not item.literal and has_wildcards(item.pattern)):
        return
    path = relative(item.pattern)
    raise DockerfileError(f'"/{path}" not found in {_name(item.tree)}', step.place)


def _name(tree: Tree) -> str:
    if isinstance(tree, NamedContext):
        return f'the context "{tree.key}"'
    if isinstance(tree, StageOutput):
        return f"the files of stage {tree.index}"
    if isinstance(tree, MainContext):
        return "the build context (is it excluded by .dockerignore?)"
    return "the source"
