"""Matches of the sources of COPY, ADD and bind mounts. Contexts are looked into first, with one question each."""

from __future__ import annotations

from collections.abc import Iterator

from baselard.dockerfile.apply.builder import C, D, MatchedPath
from baselard.dockerfile.apply.state import Build
from baselard.dockerfile.plan.stages import MainContext, NamedContext, StageOutput
from baselard.dockerfile.plan.steps import CopyItem, CopyStep, Inline, MountStep, RunStep, Step, Tree, Url
from baselard.dockerfile.syntax.errors import DockerfileError, Warning_
from baselard.dockerfile.syntax.paths import has_wildcards, relative, split_wildcards, unescape, unfollowed
from baselard.oci.together import together


async def look_into_contexts(build: Build[C, D]) -> None:
    """Find every path that is read from a context. Raises DockerfileError for the first that is missing.

    Of a context docker sends what something reads: a pattern whose directory was not sent is an error.
    """
    wanted: dict[Tree, dict[str, None]] = {}
    for _, item in _context_items(build):
        wanted.setdefault(item.tree, {})[search_pattern(item)] = None
    await together(_look_up(build, tree, list(found)) for tree, found in wanted.items())
    for step, item in _context_items(build):
        found = build.found[item.tree, search_pattern(item)]
        _check(step, item, found)
        if not found and _is_partly_sent(build, item.tree):
            await _check_directory(build, step, item, sent=_was_sent(build, item))


async def find(build: Build[C, D], step: Step, item: CopyItem) -> list[MatchedPath]:
    """The paths that an item matches; a stage or an image is asked only now, when it can be."""
    pattern = search_pattern(item)
    if isinstance(item.tree, Inline | Url):
        return [MatchedPath(pattern, False)]
    required = _required(item)
    patterns = [pattern, *([search_pattern(required)] if required else [])]
    await _look_up(build, item.tree, [one for one in patterns if one != "."])
    if required:
        _check(step, required, build.found[item.tree, search_pattern(required)])
    found = [MatchedPath(".", True)] if pattern == "." else build.found[item.tree, pattern]
    _check(step, item, found)
    if not found:
        await _check_directory(build, step, item)
        message = f'"{item.pattern}" matches nothing in {_name(item.tree)}: nothing is copied'
        build.warn(Warning_(message, step.place, "CopyNoMatch"))
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
    for step, item in _all_items(build):
        if isinstance(item.tree, MainContext | NamedContext) and search_pattern(item) != ".":
            yield step, item


def _all_items(build: Build[C, D]) -> Iterator[tuple[Step, CopyItem]]:
    for lowered in build.lowered.values():
        for step in lowered.steps:
            for item in _items(step):
                yield step, item


def _items(step: Step) -> Iterator[CopyItem]:
    if isinstance(step, CopyStep):
        for item in step.items:
            required = _required(item)
            yield from (item, required) if required else (item,)
    elif isinstance(step, RunStep):
        yield from (mount_item(mount) for mount in step.mounts if mount.kind == "bind")


def _required(item: CopyItem) -> CopyItem | None:
    """The item of a `--parents` source that must exist, if without wildcards; below the pivot no link is followed."""
    if not item.keep or has_wildcards(item.pattern) or has_wildcards(item.keep):
        return None
    whole = f"{item.pattern}/{item.keep}"
    return CopyItem(item.tree, f"{item.pattern}/{unfollowed(item.keep)}", literal=True, keep=whole)


async def _look_up(build: Build[C, D], tree: Tree, patterns: list[str]) -> None:
    """Ask for what is not known yet."""
    patterns = [pattern for pattern in patterns if (tree, pattern) not in build.found]
    if not patterns:
        return
    answers = await build.builder.look_up(build.tree_of(tree), patterns)
    for pattern, found in zip(patterns, answers, strict=True):
        build.found[tree, pattern] = found


def _check(step: Step, item: CopyItem, found: list[MatchedPath]) -> None:
    if found or (not item.literal and has_wildcards(item.pattern)):
        return
    parents = item.literal and item.keep
    path = relative(item.keep if parents else item.pattern)
    hint = "; --parents follows no link: write /./ after one" if parents else ""
    raise DockerfileError(f'"/{path}" not found in {_name(item.tree)}{hint}', step.place)


async def _check_directory(build: Build[C, D], step: Step, item: CopyItem, *, sent: bool = True) -> None:
    """Raise DockerfileError when the directory that a pattern looks into is not there, as far as docker sees."""
    directory, _ = split_wildcards(search_pattern(item))
    if not directory:
        return
    await _look_up(build, item.tree, [directory])
    if not sent or not build.found[item.tree, directory]:
        nothing = f'"{relative(item.pattern)}" matches nothing in {_name(item.tree)}'
        raise DockerfileError(f"lstat /{directory}: no such file or directory: {nothing}", step.place)


def _is_partly_sent(build: Build[C, D], tree: Tree) -> bool:
    return isinstance(tree, MainContext) or (isinstance(tree, NamedContext) and tree.key in build.contexts.directories)


def _was_sent(build: Build[C, D], item: CopyItem) -> bool:
    """Whether anything that is read from the item's context is, holds or lies in the pattern's directory."""
    directory, _ = split_wildcards(search_pattern(item))
    read = [found.path for (tree, _), all_found in build.found.items() if tree == item.tree for found in all_found]
    wholes = [other for _, other in _all_items(build) if other.tree == item.tree and search_pattern(other) == "."]
    inside = (path.startswith(f"{directory}/") or f"{directory}/".startswith(f"{path}/") for path in read)
    return bool(wholes) or any(inside)


def _name(tree: Tree) -> str:
    if isinstance(tree, NamedContext):
        return f'the context "{tree.key}"'
    if isinstance(tree, StageOutput):
        return f"the files of stage {tree.index}"
    if isinstance(tree, MainContext):
        return "the build context (is it excluded by .dockerignore?)"
    return "the source"
