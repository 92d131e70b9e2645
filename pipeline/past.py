"""Findings of earlier runs: the verdicts under each name, from the history that `baselard history --json` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagger

from pipeline.errors import UsageError

_LAST = 10  # verdicts of one name


@dataclass(frozen=True)
class EarlierVerdict:
    """The verdict on a name in run `number`. `clean` is whether the tree was exactly at `commit`."""

    verdict: str
    number: int
    moment: datetime
    seconds: float
    commit: str = ""
    clean: bool = False

    @property
    def passed(self) -> bool:
        return self.verdict in {"passed", "noted"}

    @property
    def failed(self) -> bool:
        return self.verdict in {"failed", "error", "quarantined"}


Past = Mapping[str, Sequence[EarlierVerdict]]
"""The last verdicts under each name, the oldest first."""


async def read(listing: dagger.File | None) -> Past:
    """The verdicts in a listing, none without one; UsageError for what is none."""
    return parse(await listing.contents()) if listing is not None else {}


def parse(text: str) -> Past:
    """Read a listing, the newest run first; UsageError for what is none."""
    found: dict[str, list[EarlierVerdict]] = {}
    try:
        for run in json.loads(text):
            for one in run["judgements"]:
                if one["verdict"] != "skipped":
                    found.setdefault(str(one["name"]), []).append(_verdict(run, one))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError) as error:
        raise UsageError("--past is not what `baselard history --json` prints") from error
    return {name: verdicts[:_LAST][::-1] for name, verdicts in found.items()}


def unsteady(verdicts: Sequence[EarlierVerdict]) -> str:
    """Why it counts as flaky: it passed at a later attempt, or passed and failed at one commit. Else empty."""
    for one in verdicts:
        if one.verdict == "flaky":
            return f"passed at a later attempt in run {one.number}"
    for one in verdicts:
        if one.failed and one.clean and any(other.passed for other in verdicts if _alike(one, other)):
            return f"passed and failed at {one.commit[:9]}"
    return ""


def _alike(verdict: EarlierVerdict, other: EarlierVerdict) -> bool:
    return other.clean and verdict.commit == other.commit


def _verdict(run: Mapping[str, Any], one: Mapping[str, Any]) -> EarlierVerdict:
    moment = datetime.fromtimestamp(run["began"], UTC)
    commit = str(run["tree"]["commit"])
    clean = bool(commit) and run["tree"]["changed"] is False
    return EarlierVerdict(str(one["verdict"]), int(run["run"]), moment, float(one["seconds"]), commit, clean)
