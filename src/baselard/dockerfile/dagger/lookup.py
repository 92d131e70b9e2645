"""Docker's source patterns (Go's filepath.Match) on Dagger directories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagger
from dagger.client._core import Field

from baselard.dockerfile.apply.builder import MatchedPath
from baselard.dockerfile.dagger.query import exists, field, parts, select
from baselard.dockerfile.syntax.paths import as_glob, has_wildcards, split_wildcards


@dataclass(frozen=True)
class Top:
    """The names in a directory, and the text of one file, if it was asked for and is there."""

    names: frozenset[str]
    texts: Mapping[str, str]


async def look_at_top(tree: dagger.Directory, path: str = "") -> Top:
    """Look at a directory, and into the file that is likely to be there: one query if it is, else two."""
    names = {"entries": field(tree, "entries")}
    if path:
        try:
            found = await select(tree, {**names, "file": field(tree, "file", parts("File", "contents"), path=path)})
            return Top(frozenset(found["entries"]), {path: found["file"]["contents"]})
        except dagger.QueryError:
            pass  # the file is not there, or is none; whatever else it is comes again
    return Top(frozenset((await select(tree, names))["entries"]), {})


async def look_up(tree: dagger.Directory, patterns: Sequence[str]) -> list[list[MatchedPath]]:
    """The paths that each pattern matches; one query, and a second one for wildcards, whose links may be directories.

    A third where nothing matched but the directory is there: a glob follows no link on the way to it.
    """
    if not patterns:
        return []
    questions: dict[str, Field] = {}
    for i, pattern in enumerate(patterns):
        questions |= _questions(tree, i, pattern)
    answer = await select(tree, questions)
    globs = {i: _matching(answer[f"g{i}"], p) for i, p in enumerate(patterns) if has_wildcards(p)}
    empty = [i for i, found in globs.items() if not found and answer.get(f"d{i}")]
    globs.update(await _below_links(tree, {i: patterns[i] for i in empty}))
    kinds = await _kinds(tree, sorted({path for paths in globs.values() for path in paths if not path.endswith("/")}))
    return [
        [kinds[path] if path in kinds else MatchedPath(path.rstrip("/"), True) for path in globs[i]]
        if i in globs
        else ([MatchedPath(pattern, answer[f"d{i}"])] if answer[f"e{i}"] else [])
        for i, pattern in enumerate(patterns)
    ]


def _questions(tree: dagger.Directory, number: int, pattern: str) -> Mapping[str, Field]:
    name, wild = split_wildcards(pattern)
    place = name if wild else pattern
    directory = {f"d{number}": exists(tree, place, "DIRECTORY")} if name else {}
    if wild:
        return {f"g{number}": field(tree, "glob", pattern=as_glob(pattern)), **directory}
    return {f"e{number}": exists(tree, place), **directory}


async def _below_links(tree: dagger.Directory, patterns: Mapping[int, str]) -> dict[int, list[str]]:
    """The paths that patterns match in their directories, asked for each of these by itself."""
    if not patterns:
        return {}
    parts = {i: split_wildcards(pattern) for i, pattern in patterns.items()}
    asked = {
        f"l{i}": field(tree, "directory", {"glob": field(tree, "glob", pattern=as_glob(wild))}, path=name)
        for i, (name, wild) in parts.items()
    }
    answer = await select(tree, asked)
    return {i: [f"{name}/{p}" for p in _matching(answer[f"l{i}"]["glob"], wild)] for i, (name, wild) in parts.items()}


async def _kinds(tree: dagger.Directory, paths: Sequence[str]) -> dict[str, MatchedPath]:
    """The matches of a glob that are not shown as directories: files, and links that may lead to a directory."""
    if not paths:
        return {}
    questions = {f"d{i}": exists(tree, path, "DIRECTORY") for i, path in enumerate(paths)}
    questions |= {f"l{i}": exists(tree, path, "SYMLINK") for i, path in enumerate(paths)}
    answer = await select(tree, questions)
    return {path: MatchedPath(path, answer[f"d{i}"], not answer[f"l{i}"]) for i, path in enumerate(paths)}


def _matching(paths: Sequence[str], pattern: str) -> list[str]:
    """The matches of `pattern` itself, without what lies below a matched directory."""
    depth = pattern.count("/")
    return sorted((p for p in paths if p.rstrip("/").count("/") == depth), key=lambda p: p.rstrip("/").split("/"))
