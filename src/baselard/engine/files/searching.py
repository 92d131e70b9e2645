"""Searches files for text with ripgrep: Directory.search, File.search."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselard.engine.errors import HostError, UserError
from baselard.engine.files import paths
from baselard.engine.host import process
from baselard.engine.host.process import Completed

_FOUND, _NOTHING = 0, 1
"""ripgrep's exit codes that are no errors."""


@dataclass(frozen=True)
class Wanted:
    """The question of a search: Dagger's arguments of ``search``. ``limit`` counts results in all."""

    pattern: str
    literal: bool = False
    multiline: bool = False
    dotall: bool = False
    insensitive: bool = False
    skip_ignored: bool = False
    skip_hidden: bool = False
    files_only: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class SearchSubmatch:
    """One match in the lines found; ``start`` and ``end`` are byte offsets in them."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class SearchResult:
    """Lines that match, or with ``files_only`` just their file: then the number is 0 and the lines are empty."""

    file_path: str
    line_number: int = 0
    absolute_offset: int = 0
    matched_lines: str = ""
    submatches: tuple[SearchSubmatch, ...] = ()


def search(
    root: Path, directory: str, wanted: Wanted, *, within: Sequence[str] = (), globs: Sequence[str] = ()
) -> list[SearchResult]:
    """The matches below ``directory`` of the view ``root``, or ``within`` these paths of it, in the order of paths.

    Links are not followed; text that is not UTF-8 is left out. Raises UserError for a bad pattern and paths that are
    not there, HostError without ripgrep.
    """
    if wanted.limit is not None and wanted.limit < 0:
        raise UserError("search: the limit cannot be negative")
    if escaping := [path for path in within if paths.climbs(path)]:
        raise UserError(f"path cannot escape directory: {escaping[0]}")
    base = _existing(root, directory)
    places = [os.path.relpath(_existing(Path(base), path), base) for path in within]
    options = [*_options(wanted), *(f"--glob={pattern}" for pattern in globs)]
    completed = _ripgrep([*options, f"--regexp={wanted.pattern}", "--", *(places or ["./"])], Path(base))
    results = _files(completed.stdout) if wanted.files_only else _matches(completed.stdout)
    return list(results)[: wanted.limit]


def _existing(root: Path, path: str) -> str:
    real = paths.under(root, paths.resolve(root, path))
    if not paths.mode(real):
        raise UserError(f"ripgrep error: {path}: No such file or directory (os error 2)")
    return real


def _options(wanted: Wanted) -> Iterator[str]:
    # Neither this user's settings nor ignore files outside the tree have a say; .gitignore has in a repository alone.
    yield from ("--no-config", "--no-ignore-parent", "--no-ignore-global", "--no-follow")
    yield from ("--sort=path", "--no-messages", "--files-with-matches" if wanted.files_only else "--json")
    choices = {
        "--fixed-strings": wanted.literal,
        "--multiline": wanted.multiline,
        "--multiline-dotall": wanted.dotall,
        "--ignore-case": wanted.insensitive,
        "--no-ignore": not wanted.skip_ignored,
        "--hidden": not wanted.skip_hidden,
        f"--max-count={wanted.limit}": wanted.limit is not None,
    }
    yield from (option for option, chosen in choices.items() if chosen)


def _ripgrep(arguments: Sequence[str], directory: Path) -> Completed:
    if not process.which("rg"):
        raise HostError("search needs ripgrep: apt-get install ripgrep")
    completed = process.run(["rg", *arguments], cwd=directory, check=False)
    if completed.code not in (_FOUND, _NOTHING):
        raise UserError(f"ripgrep error: {completed.stderr.decode(errors='replace').strip()}")
    return completed


def _files(output: bytes) -> Iterator[SearchResult]:
    for line in output.decode("utf-8", "surrogateescape").splitlines():
        if line.isprintable():
            yield SearchResult(line.removeprefix("./"))


def _matches(output: bytes) -> Iterator[SearchResult]:
    for line in output.splitlines():
        event = json.loads(line)
        data = event["data"]
        if event["type"] == "match" and "text" in data["path"] and "text" in data["lines"]:
            path = data["path"]["text"].removeprefix("./")
            submatches = tuple(_submatches(data["submatches"]))
            yield SearchResult(path, data["line_number"], data["absolute_offset"], data["lines"]["text"], submatches)


def _submatches(matches: Sequence[dict[str, Any]]) -> Iterator[SearchSubmatch]:
    for match in matches:
        yield SearchSubmatch(match["match"].get("text", ""), match["start"], match["end"])
