"""The whole report as JSON, and back: what a later call needs to join the reports of several machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pipeline.errors import BaselardError
from pipeline.model import Attempt, Case, Location, Phase, Quarantine, Report, Suite, Verdict

FILE = "report.json"


def render(report: Report) -> str:
    """Everything that the model holds."""
    return json.dumps(asdict(report), ensure_ascii=False) + "\n"


def parse(text: str, name: str = FILE) -> Report:
    """The report that `render` wrote; BaselardError, naming the file, when it is something else."""
    try:
        document = json.loads(text)
        suites = tuple(_suite(one) for one in document["suites"])
        return Report(**{**document, "suites": suites})
    except (ValueError, KeyError, TypeError) as error:
        raise BaselardError(f"{name} is not a report that Baselard wrote: {error}") from error


def _suite(entry: Mapping[str, Any]) -> Suite:
    return Suite(
        **{
            **entry,
            "cases": _cases(entry),
            "spans": tuple(Phase(**one) for one in entry["spans"]),
            "quarantine": Quarantine(**entry["quarantine"]) if entry["quarantine"] else None,
            "earlier": tuple(Attempt(**{**one, "cases": _cases(one)}) for one in entry["earlier"]),
        }
    )


def _cases(entry: Mapping[str, Any]) -> tuple[Case, ...]:
    return tuple(_case(one) for one in entry["cases"])


def _case(entry: Mapping[str, Any]) -> Case:
    place = Location(**entry["place"]) if entry["place"] else None
    return Case(**{**entry, "verdict": Verdict(entry["verdict"]), "place": place})
