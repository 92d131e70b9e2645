"""ADD's archives on a Dagger engine, whose API has no call that reads them: left to its own Dockerfile builder."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace

import dagger

from baselard.dockerfile.apply.builder import Placement, Warn
from baselard.dockerfile.dagger.ground import DIRECTORY_MODE
from baselard.dockerfile.dagger.query import exists, field, parts, select

# A name that no archive brings along: if it is there afterwards, the file was copied as it is.
ARCHIVE = ".baselard-add"


async def unpacked(client: dagger.Client, one: Placement[dagger.Directory]) -> Placement[dagger.Directory]:
    """ADD's archive as the directory that it holds, with owners of its own; the file itself when it is none."""
    context = client.directory().with_file(ARCHIVE, one.tree.file(one.path))
    context = context.with_new_file("Dockerfile", f"FROM scratch\nADD {ARCHIVE} /\n")
    tree = context.docker_build().rootfs()
    if await tree.exists(ARCHIVE):
        return replace(one, unpack=False)
    return replace(one, unpack=False, tree=tree, path=".", is_directory=True, owner="", mode="")


async def warn_of_implied(tree: dagger.Directory, container: dagger.Container, folder: str, warn: Warn) -> None:
    """Tell which directories of the container an archive's content, put into the folder, may wrongly make 0755.

    Docker leaves those alone that the archive has no entry for. An engine's builder makes them anew, 0755, and the API
    does not tell them from those that the archive lists.
    """
    directories = [name.rstrip("/") for name in await tree.glob("**") if name.endswith("/")]
    there: list[str] = []
    level = [name for name in directories if "/" not in name]
    while level:  # what is below a directory that the container has not is not there either
        questions = {
            f"d{i}": exists(container, posixpath.join(folder, name), "DIRECTORY") for i, name in enumerate(level)
        }
        answer = await select(container, questions)
        found = {name for i, name in enumerate(level) if answer[f"d{i}"]}
        there += sorted(found)
        level = [name for name in directories if posixpath.dirname(name) in found]
    before = await _modes(container, [posixpath.join(folder, name) for name in there])
    after = await _modes(tree, there)
    for name, old, new in zip(there, before, after, strict=True):
        if old != new == DIRECTORY_MODE:
            path = posixpath.join(folder, name)
            warn("ArchiveDirectory", f"{path} becomes 0755 here, even if the archive has no entry for it")


async def _modes(owner: dagger.Container | dagger.Directory, paths: Sequence[str]) -> list[int]:
    if not paths:
        return []
    permissions = parts("Stat", "permissions")
    answer = await select(
        owner, {f"s{i}": field(owner, "stat", permissions, path=path) for i, path in enumerate(paths)}
    )
    return [answer[f"s{i}"]["permissions"] for i in range(len(paths))]
