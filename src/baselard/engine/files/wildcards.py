"""Paths with wildcards inside a tree, name by name, as Go's filepath.Match has them: no ``**``, no hidden-file rule."""

import os
import re
from pathlib import Path

from baselard.engine.files import paths, patterns

_WILD = re.compile(r"[*?\[]")


def resolve(root: Path | str, path: str) -> list[str]:
    """The paths relative to ``root`` that ``path`` names, sorted; links on the way are followed inside the tree.

    The last name is not followed. A path without ``*`` is literal and need not exist, as Dagger has it.
    Raises UserError for patterns that are not well-formed.
    """
    if "*" not in path:
        return [paths.resolve_parent(root, path)]
    places = [""]
    *parents, last = paths.clean(path).split("/")
    for name in parents:
        ways = (paths.resolve(root, below) for base in places for below in _step(root, base, name))
        places = list(dict.fromkeys(ways))  # links may lead to one directory in many ways
    return sorted({below for base in places for below in _step(root, base, last)})


def _step(root: Path | str, base: str, name: str) -> list[str]:
    prefix = f"{base}/" if base else ""
    if not _WILD.search(name):
        return [prefix + name]
    wanted = patterns.compile_patterns([name])
    try:
        names = os.listdir(paths.under(root, base))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [prefix + entry for entry in names if wanted.match(entry, wanted.nothing)[0]]
