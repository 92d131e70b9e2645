"""Gossfiles, by `goss render`: they must parse and hold at least one test."""

from __future__ import annotations

import re
from collections.abc import Mapping

import dagger

from pipeline.goss.results import sections
from pipeline.goss.variables import explained
from pipeline.lint.finding import Finding
from pipeline.lint.tool import output
from pipeline.model import Location

_MARK = "baselard-goss"
# One line, as the progress of a call shows it.
_RENDER = (
    """while [ $# -gt 0 ]; do file=$1 vars=$2 inline=$3; shift 3; """
    f"""printf '\\n{_MARK} %s\\n' "$file"; cd "/src/$(dirname "$file")" || exit 1; """
    """/.goss/goss -g "$(basename "$file")" ${vars:+--vars "/src/$vars"} """
    """${inline:+--vars-inline "$inline"} render 2>&1 || echo failed; done"""
)


async def findings(tools: dagger.Container, files: Mapping[str, tuple[str, str]]) -> list[Finding]:
    """Gossfiles that goss refuses, or that assert nothing; each with its variables, as a file and as JSON."""
    words = [word for path, variables in files.items() for word in (path, *variables)]
    return parse(await output(tools, "sh", "-c", _RENDER, "sh", *words, name="gossfiles")) if files else []


def parse(printed: str) -> list[Finding]:
    """Findings from the rendering of each file."""
    rendered = sections(printed, _MARK)
    return [finding for path, text in rendered.items() if (finding := _finding(path, text.strip()))]


def _finding(path: str, text: str) -> Finding | None:
    if text.endswith("failed"):
        message = re.sub(r"^\d+/\d+/\d+ \d+:\d+:\d+ ", "", text.splitlines()[0])
        line = re.search(r"line (\d+)|template: \w+:(\d+):", message)
        number = int(line[1] or line[2]) if line else 1
        return Finding(Location(path, number), "goss/render", "error", explained(message))
    if text in {"", "{}"}:
        return Finding(Location(path, 1), "goss/empty", "error", "asserts nothing; an empty gossfile proves nothing")
    return None
