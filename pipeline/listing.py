"""What a project holds, as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline import checks
from pipeline.discover import Example, Project


def examples(project: Project) -> str:
    """A line per example: name, the images it starts from, how it is tested, and what is special about it."""
    rows = [("EXAMPLE", "FROM", "TEST", "NOTE"), *(_row(example) for example in project.examples)]
    return columns(rows)


def _row(example: Example) -> tuple[str, str, str, str]:
    bases = ", ".join(dict.fromkeys(from_.reference for from_ in example.froms))
    return example.name, bases or "scratch", "goss" if example.tested else "basic", _note(example)


def _note(example: Example) -> str:
    quarantine = checks.quarantined(example.settings.quarantine)
    if example.problem or quarantine is None:
        return example.problem
    return f"quarantine {'expired' if quarantine.expired else 'until'} {quarantine.until}: {quarantine.reason}"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equal length with their columns aligned."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
