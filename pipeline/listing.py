"""The content of a project, as a table for people or as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pipeline import checks
from pipeline.errors import UsageError
from pipeline.project import Example, Project
from pipeline.report.text import columns

FORMATS = ("text", "json")


def check_format(chosen: str) -> str:
    """The format; UsageError for one that there is not."""
    if chosen not in FORMATS:
        raise UsageError(f"--format {chosen}: there is {' and '.join(FORMATS)}")
    return chosen


def examples(project: Project, chosen: str = "text") -> str:
    """A line per example: name, the images it starts from, how it is tested, and what is special about it."""
    if check_format(chosen) == "json":
        return rendered([_entry(example) for example in project.examples])
    rows = [("EXAMPLE", "FROM", "TEST", "NOTE"), *(_row(example) for example in project.examples)]
    return columns(rows)


def rendered(what: Any) -> str:
    """JSON as it is printed."""
    return json.dumps(what, indent=2, ensure_ascii=False) + "\n"


def _entry(example: Example) -> dict[str, Any]:
    quarantine = checks.quarantined(example.settings.quarantine)
    return {
        "name": example.name,
        "directory": example.directory,
        "from": list(dict.fromkeys(from_.reference for from_ in example.froms)),
        "tests": list(example.testers),
        "quarantine": asdict(quarantine) if quarantine else None,
        "problem": example.problem,
    }


def _row(example: Example) -> tuple[str, str, str, str]:
    bases = ", ".join(dict.fromkeys(from_.reference for from_ in example.froms))
    return example.name, bases or "scratch", ", ".join(example.testers), _note(example)


def _note(example: Example) -> str:
    quarantine = checks.quarantined(example.settings.quarantine)
    if example.problem or quarantine is None:
        return example.problem
    return f"quarantine {'expired' if quarantine.expired else 'until'} {quarantine.until}: {quarantine.reason}"
