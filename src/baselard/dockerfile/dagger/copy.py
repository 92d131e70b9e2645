"""One placement of a COPY as calls on a Dagger container."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import dagger

from baselard.dockerfile.apply.builder import Placement
from baselard.dockerfile.dagger.modes import with_modes
from baselard.dockerfile.syntax.modes import apply_mode, parse_mode

# A name that no archive brings along: if it is there afterwards, the file was copied as it is.
ARCHIVE = ".baselard-add"
DIRECTORY_MODE = 0o755
ROOT = "0:0"
# Up to here files are copied one by one, which also follows links.
FEW = 8


Group = Sequence[Placement[dagger.Directory]]


def alike(placements: Group) -> Iterator[Group]:
    """The placements in their order, files for one directory together, since one call can copy them all."""
    for is_plain, group in itertools.groupby(placements, _kind):
        members = list(group)
        yield from [members] if is_plain else [[one] for one in members]


def _kind(one: Placement[dagger.Directory]) -> tuple[str, str, str] | None:
    symbolic = bool(one.mode) and parse_mode(one.mode) is None
    if one.is_directory or one.unpack or symbolic or not one.dest.endswith("/"):
        return None
    return one.dest, one.owner, one.mode


async def place(
    client: dagger.Client, empty: dagger.Directory, container: dagger.Container, group: Group
) -> dagger.Container:
    """The container with what a group from `alike` holds; owners are numeric, `empty` has no entries."""
    one = group[0]
    if one.unpack:
        return await _unpack(client, empty, container, one)
    if one.is_directory:
        return await _place_directory(client, container, one)
    mode = parse_mode(one.mode)
    if len(group) > FEW and all(each.is_plain for each in group) and len(_folders(group)) == 1:
        return _place_many(empty, container, group)
    if len(group) > 1:
        files = [each.tree.file(each.path) for each in group]
        return container.with_files(one.dest, files, owner=one.owner, permissions=mode)
    if one.mode and mode is None:
        mode = apply_mode(one.mode, await one.tree.stat(one.path).permissions(), is_directory=False)
    return container.with_file(one.dest, one.tree.file(one.path), owner=one.owner, permissions=mode)


def _folders(group: Group) -> set[tuple[int, str]]:
    return {(id(one.tree), posixpath.dirname(one.path)) for one in group}


def _place_many(empty: dagger.Directory, container: dagger.Container, group: Group) -> dagger.Container:
    """Many files of one directory, by their names: each File in an argument would be a query of its own."""
    one = group[0]
    folder = posixpath.dirname(one.path)
    names = [re.sub(r"([\\*?\[!])", r"\\\1", posixpath.basename(each.path)) for each in group]
    return make_directory(empty, container, one.dest.rstrip("/"), one.owner).with_directory(
        one.dest,
        one.tree.directory(folder) if folder else one.tree,
        include=names,
        owner=one.owner,
        permissions=parse_mode(one.mode),
    )


def make_directory(empty: dagger.Directory, container: dagger.Container, path: str, owner: str) -> dagger.Container:
    """The directory and its missing parents, 0755 and owned by the numeric `owner`; those that exist stay as they are.

    The API makes parents root's and lets a new directory look like the one that is copied into it, where docker does
    neither; so each is made on its own, from an empty one, which changes nothing where there is one already.
    """
    parts = path.strip("/").split("/") if path.strip("/") else []
    ways = ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]
    for way in ways if owner not in ("", ROOT) else ways[-1:]:
        container = container.with_directory(way, empty, owner=owner, permissions=DIRECTORY_MODE)
    return container


async def _place_directory(
    client: dagger.Client, container: dagger.Container, one: Placement[dagger.Directory]
) -> dagger.Container:
    tree = one.tree if one.path == "." else one.tree.directory(one.path)
    mode = parse_mode(one.mode)
    if one.mode and mode is None:
        tree = await with_modes(client, tree, one.mode)
    return container.with_directory(
        one.dest,
        tree,
        include=list(one.include) or None,
        exclude=list(one.exclude) or None,
        owner=one.owner,
        permissions=mode,
    )


async def _unpack(
    client: dagger.Client, empty: dagger.Directory, container: dagger.Container, one: Placement[dagger.Directory]
) -> dagger.Container:
    """ADD's extraction, left to the engine's own Dockerfile builder: the API has no call that reads archives."""
    context = client.directory().with_file(ARCHIVE, one.tree.file(one.path))
    context = context.with_new_file("Dockerfile", f"FROM scratch\nADD {ARCHIVE} /\n")
    unpacked = context.docker_build().rootfs()
    if await unpacked.exists(ARCHIVE):
        return await place(client, empty, container, [replace(one, unpack=False)])
    container = make_directory(empty, container, one.dest.rstrip("/"), one.owner)
    return container.with_directory(one.dest, unpacked)
