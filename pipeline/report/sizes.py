"""The sizes of a report's images as Markdown, beside those of the images that are published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.model import Report


def render(report: Report) -> str:
    """A table; empty when nothing was measured."""
    rows = [_row(one) for one in report.outputs.get("sizes", [])]
    return "\n".join(["| image | unpacked | to pull | change | |", "|---|---:|---:|---:|---|", *rows]) if rows else ""


def _row(one: Mapping[str, Any]) -> str:
    change = _signed(one["compressed"] - one["published"], one["published"]) if one["published"] else ""
    cells = [f"`{one['name']}`", _mb(one["unpacked"]), _mb(one["compressed"]), change, one["note"].replace("|", "\\|")]
    return f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |"


def _signed(change: int, before: int) -> str:
    return f"{change / 1e6:+.1f} MB ({100 * change / before:+.1f} %)"


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
