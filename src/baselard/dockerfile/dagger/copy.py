"""The placements of a COPY as calls on a Dagger container."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator, Sequence

import dagger

from baselard.dockerfile.apply.builder import BlockedError, Placement, Warn
from baselard.dockerfile.dagger.ground import ROOT, Ground, grown, hands_its_group_on, survey
from baselard.dockerfile.dagger.links import literal, ways_to
from baselard.dockerfile.dagger.modes import with_modes
from baselard.dockerfile.dagger.unpack import unpacked, warn_of_implied
from baselard.dockerfile.syntax.modes import apply_mode, parse_mode

# Up to here files are copied one by one, which also follows links.
FEW = 8
# A wildcard may match any number of files, and the SDK's chains must stay short.
MOST_PLACEMENTS = 100
EVERYTHING = ["*"]

Group = Sequence[Placement[dagger.Directory]]


async def copy(client: dagger.Client, container: dagger.Container, placements: Group, warn: Warn) -> dagger.Container:
    """The container with all placements of one COPY, which share their destination and their numeric owner.

    Raises BlockedError for what docker refuses to replace.
    """
    owner = placements[0].owner
    archives = [await unpacked(client, placement) for placement in placements if placement.unpack]
    unpacking = iter(archives)
    placements = [next(unpacking) if one.unpack else one for one in placements]
    ground = await survey(client, container, placements[0].dest.rstrip("/") or "/", _names(placements))
    inside = _goes_inside(ground, placements)
    folder = ground.path if inside else posixpath.dirname(ground.path)
    for one in archives:
        if one.is_directory and not ground.missing:
            await warn_of_implied(one.tree, ground.container, folder, warn)
    groups = list(alike(placements))
    brings_looks = folder != "/" and any(_brings_looks(group) for group in groups)
    container, as_it_was = await _prepared(ground, folder, owner, brings_looks=brings_looks)
    for number, group in enumerate(groups, start=1):
        container = await _placed(client, container, group, folder if inside else "", ground.path)
        if number % MOST_PLACEMENTS == 0:
            container = await container.sync()
    # A copied directory gives its looks to the one it is copied into, whatever that was.
    return container.with_directory(folder, as_it_was, exclude=EVERYTHING) if as_it_was else container


def _names(placements: Group) -> list[str]:
    """The names that files will have in the destination, if it has to be a directory and they are few."""
    files = [placement for placement in placements if not placement.is_directory and placement.dest.endswith("/")]
    return [posixpath.basename(file.path) for file in files] if len(files) <= FEW else []


def _goes_inside(ground: Ground, placements: Group) -> bool:
    """Whether the destination is a directory that things are put into. Raises BlockedError for what is in the way."""
    if any(placement.is_directory or placement.dest.endswith("/") for placement in placements):
        ground.need_directory()
    elif not ground.is_directory:
        return False
    if ground.directories:
        raise BlockedError(f"{posixpath.join(ground.path, min(ground.directories))} is a directory, not a file")
    return True


async def _prepared(
    ground: Ground, folder: str, owner: str, *, brings_looks: bool
) -> tuple[dagger.Container, dagger.Directory | None]:
    """The container with the directories that a copy would not make as docker does, and the folder as it is to look.

    None where a copy leaves the folder's looks alone, or makes a new one as docker does: 0755 and root's.
    """
    if ground.missing in ways_to(folder):
        if owner in ("", ROOT) and not (brings_looks and await hands_its_group_on(ground)):
            return ground.container, None
        ground = await grown(ground, folder, owner)
    return ground.container, ground.looks if brings_looks else None


def alike(placements: Group) -> Iterator[Group]:
    """The placements in their order, files for one directory together, since one call can copy them all."""
    for is_plain, group in itertools.groupby(placements, _kind):
        members = list(group)
        yield from [members] if is_plain else [[member] for member in members]


def _kind(one: Placement[dagger.Directory]) -> tuple[str, str, str] | None:
    symbolic = bool(one.mode) and parse_mode(one.mode) is None
    if one.is_directory or symbolic or not one.dest.endswith("/"):
        return None
    return one.dest, one.owner, one.mode


def _brings_looks(group: Group) -> bool:
    """Whether the group comes as a directory, whose looks come along."""
    return group[0].is_directory or _is_many(group)


def _is_many(group: Group) -> bool:
    """Whether the group is many files of one directory: to name each in an argument would be a query each."""
    folders = {(id(one.tree), posixpath.dirname(one.path)) for one in group}
    return len(group) > FEW and all(one.is_plain for one in group) and len(folders) == 1


async def _placed(
    client: dagger.Client, container: dagger.Container, group: Group, folder: str, path: str
) -> dagger.Container:
    """The container with what a group from `alike` holds, in the folder, or as `path` where there is none."""
    one = group[0]
    mode = parse_mode(one.mode)
    if one.is_directory:
        return container.with_directory(folder, await _part(client, one), owner=one.owner)
    if _is_many(group):
        return container.with_directory(folder, _many(client, group), owner=one.owner)
    if len(group) > 1:
        files = [each.tree.file(each.path) for each in group]
        return container.with_files(folder, files, owner=one.owner, permissions=mode)
    if one.mode and mode is None:
        mode = apply_mode(one.mode, await one.tree.stat(one.path).permissions(), is_directory=False)
    goal = posixpath.join(folder, posixpath.basename(one.path)) if folder else path
    return container.with_file(goal, one.tree.file(one.path), owner=one.owner, permissions=mode)


async def _part(client: dagger.Client, one: Placement[dagger.Directory]) -> dagger.Directory:
    """The part of a directory that is to be copied."""
    tree = one.tree if one.path == "." else one.tree.directory(one.path)
    if one.mode and parse_mode(one.mode) is None:
        tree = await with_modes(client, tree, one.mode)
    return _selected(client, tree, one.mode, include=list(one.include), exclude=list(one.exclude))


def _many(client: dagger.Client, group: Group) -> dagger.Directory:
    """The files of a group, by their names."""
    folder = posixpath.dirname(group[0].path)
    tree = group[0].tree.directory(folder) if folder else group[0].tree
    return _selected(client, tree, group[0].mode, include=[literal(posixpath.basename(one.path)) for one in group])


def _selected(
    client: dagger.Client, tree: dagger.Directory, mode: str, *, include: list[str], exclude: list[str] | None = None
) -> dagger.Directory:
    """A tree of its own, whose root looks like a new one: 0755, root's and without attributes.

    An octal mode is for all that is in it: a container's copies do not read `permissions`, a directory's do.
    """
    permissions = parse_mode(mode)
    if permissions is None:
        return tree.filter(include=include, exclude=exclude or [])
    return client.directory().with_directory("/", tree, include=include, exclude=exclude or [], permissions=permissions)
