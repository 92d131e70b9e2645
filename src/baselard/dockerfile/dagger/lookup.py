"""Docker's source patterns (Go's filepath.Match) on Dagger directories."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import dagger

from baselard.dockerfile.apply.builder import Found
from baselard.dockerfile.dagger.query import select
from baselard.dockerfile.syntax.paths import has_wildcards


async def look_up(tree: dagger.Directory, patterns: Sequence[str]) -> list[list[Found]]:
    """What each pattern matches; one query, and a second one for wildcards, whose links may be directories."""
    if not patterns:
        return []
    answer = await select(tree, " ".join(_question(i, pattern) for i, pattern in enumerate(patterns)))
    globs = {i: _matching(answer[f"g{i}"], p) for i, p in enumerate(patterns) if has_wildcards(p)}
    kinds = await _kinds(tree, sorted({path for paths in globs.values() for path in paths if not path.endswith("/")}))
    return [
        [kinds[path] if path in kinds else Found(path.rstrip("/"), True) for path in globs[i]]
        if i in globs
        else ([Found(pattern, answer[f"d{i}"])] if answer[f"e{i}"] else [])
        for i, pattern in enumerate(patterns)
    ]


def _question(number: int, pattern: str) -> str:
    if has_wildcards(pattern):
        return f"g{number}: glob(pattern: {json.dumps(_as_glob(pattern))})"
    path = json.dumps(pattern)
    return f"e{number}: exists(path: {path}) d{number}: exists(path: {path}, expectedType: DIRECTORY_TYPE)"


async def _kinds(tree: dagger.Directory, paths: Sequence[str]) -> dict[str, Found]:
    """What a glob shows as no directory: files, and links that may lead to a directory."""
    if not paths:
        return {}
    asked = (
        f"d{i}: exists(path: {json.dumps(path)}, expectedType: DIRECTORY_TYPE) "
        f"l{i}: exists(path: {json.dumps(path)}, expectedType: SYMLINK_TYPE)"
        for i, path in enumerate(paths)
    )
    answer = await select(tree, " ".join(asked))
    return {path: Found(path, answer[f"d{i}"], not answer[f"l{i}"]) for i, path in enumerate(paths)}


def _as_glob(pattern: str) -> str:
    """A Dagger glob that matches no less: `**` would cross directories there, and is `*` here."""
    return re.sub(r"\*+", "*", pattern)


def _matching(paths: Sequence[str], pattern: str) -> list[str]:
    """The matches of `pattern` itself, without what lies below a matched directory."""
    depth = pattern.count("/")
    return sorted((p for p in paths if p.rstrip("/").count("/") == depth), key=lambda p: p.rstrip("/").split("/"))
