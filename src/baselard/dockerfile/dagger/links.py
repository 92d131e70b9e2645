"""Links on the way to a path of a Dagger container, followed as docker does: the API's copies replace the last one."""

from __future__ import annotations

import posixpath
import re

import dagger

from baselard.dockerfile.apply.builder import BlockedError
from baselard.dockerfile.dagger.archive import read_archive
from baselard.dockerfile.dagger.query import exists, select

MOST_LINKS = 40  # as Linux: path_resolution(7)


async def followed(client: dagger.Client, container: dagger.Container, path: str) -> str:
    """`path` without links: where it leads to, whether there is something or not. Raises BlockedError for a circle."""
    for _ in range(MOST_LINKS):
        ways = ways_to(path)
        answer = await select(container, {f"l{i}": exists(container, way, "SYMLINK") for i, way in enumerate(ways)})
        link = next((way for i, way in enumerate(ways) if answer[f"l{i}"]), None)
        if link is None:
            return path
        # Nothing above the first link is one, so that `..` can be taken out by text.
        to = posixpath.join(posixpath.dirname(link), await _target(client, container, link), path[len(link) + 1 :])
        path = "/" + posixpath.normpath(to).lstrip("/")
    raise BlockedError(f"{path}: too many links")


def ways_to(path: str) -> list[str]:
    """A cleaned absolute path and those of the directories that lead to it, outermost first; the root is none."""
    parts = path.strip("/").split("/") if path != "/" else []
    return ["/" + "/".join(parts[: depth + 1]) for depth in range(len(parts))]


def literal(name: str) -> str:
    """The pattern that matches this name alone."""
    return re.sub(r"([\\*?\[!])", r"\\\1", name)


async def _target(client: dagger.Client, container: dagger.Container, link: str) -> str:
    folder, name = posixpath.split(link)
    alone = client.directory().with_directory("/", container.rootfs().directory(folder), include=[literal(name)])
    _, entries = await read_archive(client.container().with_rootfs(alone))
    return next(entry.linkname for entry in entries if entry.issym())
