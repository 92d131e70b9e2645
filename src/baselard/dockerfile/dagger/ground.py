"""The ground at the destination of a WORKDIR or a COPY, and the directories that are missing there.

Docker leaves the directories that are there as they are and follows a link wherever it leads; the API's copies do
neither. So the container is asked first, in one query.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace

import dagger

from baselard.dockerfile.apply.builder import BlockedError
from baselard.dockerfile.dagger.known import loaded
from baselard.dockerfile.dagger.links import followed, ways_to
from baselard.dockerfile.dagger.query import exists, field, parts, select

DIRECTORY_MODE = 0o755
ROOT = "0:0"
SETGID = 0o2000


@dataclass(frozen=True)
class Ground:
    """A destination. `container` is the one that was asked, by its ID, and `path` leads to no link but one to a
    directory; `looks` is what it has there. `missing` is the outermost directory on the way that is not there, "" when
    all are. `directories` are those of the names asked for that are directories in it."""

    container: dagger.Container
    path: str
    looks: dagger.Directory
    missing: str
    is_directory: bool
    directories: frozenset[str] = frozenset()

    def need_directory(self) -> None:
        """Raises BlockedError when something else is in the place of a directory."""
        if not (self.missing or self.is_directory):
            raise BlockedError(f"{self.path} is not a directory")


async def survey(client: dagger.Client, container: dagger.Container, path: str, names: Sequence[str] = ()) -> Ground:
    """Ask about a cleaned absolute path, and which of the names are directories in it."""
    ways = ways_to(path)
    questions = {
        "id": field(container, "id"),
        "looks": field(container, "directory", parts("Directory", "id"), path=path),
    }
    questions |= {"directory": exists(container, path, "DIRECTORY")}
    questions |= {f"there{i}": exists(container, way) for i, way in enumerate(ways)}
    questions |= {f"link{i}": exists(container, way, "SYMLINK") for i, way in enumerate(ways)}
    questions |= {
        f"name{i}": exists(container, posixpath.join(path, name), "DIRECTORY") for i, name in enumerate(names)
    }
    answer = await select(container, questions)
    asked = dagger.Container(container._ctx.select_id("Container", answer["id"]))
    missing = [i for i in range(len(ways)) if not answer[f"there{i}"]]
    dangling = any(answer[f"link{i}"] for i in missing)
    link_to_a_file = bool(ways) and answer[f"link{len(ways) - 1}"] and not answer["directory"]
    if dangling or link_to_a_file:
        return await survey(client, asked, await followed(client, asked, path), names)
    inside = frozenset(name for i, name in enumerate(names) if answer[f"name{i}"])
    looks = loaded(asked, answer["looks"]["id"])
    return Ground(asked, path, looks, ways[missing[0]] if missing else "", answer["directory"], inside)


async def make_directory(client: dagger.Client, container: dagger.Container, path: str, owner: str) -> dagger.Container:
    """The directory and its missing parents, 0755 and owned by the numeric `owner`; those that exist stay as they are.

    Raises BlockedError when something else is in its place.
    """
    ground = await survey(client, container, path)
    ground.need_directory()
    return (await grown(ground, path, owner)).container if ground.missing else ground.container


async def grown(ground: Ground, folder: str, owner: str) -> Ground:
    """The ground with what is missing of `folder`."""
    tree = new_directory(ground, folder, owner)
    answer = await select(
        tree, {"id": field(tree, "id"), "looks": field(tree, "directory", parts("Directory", "id"), path=folder)}
    )
    container = ground.container.with_rootfs(loaded(tree, answer["id"]))
    return replace(ground, container=container, looks=loaded(tree, answer["looks"]["id"]))


def new_directory(ground: Ground, folder: str, owner: str) -> dagger.Directory:
    """The root file system with the folder; what is new of it belongs to the owner."""
    tree = ground.container.rootfs().with_new_directory(folder, permissions=DIRECTORY_MODE)
    return tree if owner in ("", ROOT) else tree.chown(ground.missing, owner)


async def hands_its_group_on(ground: Ground) -> bool:
    """Whether a directory made here gets the group of the one above it and its setgid bit (mkdir(2))."""
    return bool(await ground.container.stat(posixpath.dirname(ground.missing)).permissions() & SETGID)
