"""A symbolic `--chmod` for a whole directory, which the API can only set as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagger
from dagger.client._core import Field

from baselard.dockerfile.dagger.query import field, parts, select
from baselard.dockerfile.syntax.modes import apply_mode

LINK = "SYMLINK"


async def with_modes(client: dagger.Client, tree: dagger.Directory, change: str) -> dagger.Directory:
    """The tree made anew, each file and directory with the mode that `chmod change` gives it; links stay links."""
    paths = sorted(await tree.glob("**"))
    if not paths:
        return tree
    stats = await select(tree, {f"s{i}": _question(tree, path) for i, path in enumerate(paths)})
    modes = {path: _mode(stats[f"s{i}"], path, change) for i, path in enumerate(paths)}
    changed = client.directory()
    for path, mode in modes.items():
        if path.endswith("/"):
            changed = changed.with_new_directory(path, permissions=mode)
        elif mode is not None:
            changed = changed.with_file(path, tree.file(path), permissions=mode)
    links = [path for path, mode in modes.items() if mode is None]
    return changed.with_directory("/", tree, include=links) if links else changed


def _question(tree: dagger.Directory, path: str) -> Field:
    return field(tree, "stat", parts("Stat", "permissions", "fileType"), path=path, doNotFollowSymlinks=True)


def _mode(stat: Mapping[str, Any], path: str, change: str) -> int | None:
    """None for a link."""
    if str(stat["fileType"]).startswith(LINK):
        return None
    return apply_mode(change, stat["permissions"], is_directory=path.endswith("/"))
