"""GitHub workflow files and actions, by actionlint and zizmor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagger

from pipeline.lint.finding import Finding, document
from pipeline.lint.tool import output
from pipeline.model import Location

WORKFLOWS = (".github/workflows/*.yml", ".github/workflows/*.yaml")
ACTIONS = ("action.yml", "action.yaml", ".github/actions/*/action.yml")
_SEVERITIES = {"High": "error", "Medium": "warning", "Low": "info"}


async def actionlint(tools: dagger.Container, paths: Sequence[str]) -> list[Finding]:
    """Mistakes in workflows; every one is an error."""
    return parse_actionlint(await output(tools, "actionlint", "-format", "{{json .}}", *paths)) if paths else []


def parse_actionlint(printed: str) -> list[Finding]:
    """actionlint's JSON as findings."""
    return [
        Finding(
            Location(item["filepath"], item["line"], item["column"]),
            f"actionlint/{item['kind']}",
            "error",
            item["message"],
            "https://github.com/rhysd/actionlint/blob/main/docs/checks.md",
        )
        for item in document("actionlint", printed)
    ]


async def zizmor(tools: dagger.Container, paths: Sequence[str]) -> list[Finding]:
    """Security weaknesses of workflows and actions, as far as they show without asking GitHub."""
    command = ("zizmor", "--offline", "--no-progress", "--format", "json")
    return parse_zizmor(await output(tools, *command, *paths)) if paths else []


def parse_zizmor(printed: str) -> list[Finding]:
    """zizmor's JSON as findings, each at its primary location."""
    return [_zizmor(item) for item in document("zizmor", printed) if not item.get("ignored")]


def _zizmor(item: Mapping[str, Any]) -> Finding:
    locations = item["locations"]
    primary = next((location for location in locations if location["symbolic"]["kind"] == "Primary"), locations[0])
    start = primary["concrete"]["location"]["start_point"]
    path = primary["symbolic"]["key"]["Local"]["verbatim_path"]
    return Finding(
        Location(path, start["row"] + 1, start["column"] + 1),
        f"zizmor/{item['ident']}",
        _SEVERITIES.get(item["determinations"]["severity"], "style"),
        f"{item['desc']}: {primary['symbolic']['annotation']}",
        item["url"],
    )
