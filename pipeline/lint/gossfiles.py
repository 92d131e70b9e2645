"""Gossfiles, by `goss render`: they must parse and hold at least one test."""

from __future__ import annotations

import re
from collections.abc import Sequence

import dagger

from pipeline.goss.results import sections
from pipeline.lint.finding import Finding
from pipeline.lint.tool import output
from pipeline.model import Place

_MARK = "baselard-goss"
# One line, as the progress of a call shows it.
_RENDER = (
    f"""for file in "$@"; do printf '\\n{_MARK} %s\\n' "$file"; cd "/src/$(dirname "$file")" || exit 1; """
    """/.goss/ld.so --library-path /.goss/lib /.goss/goss -g "$(basename "$file")" render 2>&1 || echo failed; done"""
)


async def findings(tools: dagger.Container, paths: Sequence[str]) -> list[Finding]:
    """Files that goss refuses, or that assert nothing."""
    return parse(await output(tools, "sh", "-c", _RENDER, "sh", *paths)) if paths else []


def parse(printed: str) -> list[Finding]:
    """What the rendering of each file said, as findings."""
    rendered = sections(printed, _MARK)
    return [finding for path, text in rendered.items() if (finding := _finding(path, text.strip()))]


def _finding(path: str, text: str) -> Finding | None:
    if text.endswith("failed"):
        said = re.sub(r"^\d+/\d+/\d+ \d+:\d+:\d+ ", "", text.splitlines()[0])
        line = re.search(r"line (\d+)", said)
        return Finding(Place(path, int(line[1]) if line else 1), "goss/render", "error", said)
    if text in {"", "{}"}:
        return Finding(Place(path, 1), "goss/empty", "error", "asserts nothing; an empty gossfile proves nothing")
    return None
