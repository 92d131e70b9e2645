"""The one result model that every report is derived from: a report holds suites, a suite holds cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The outcome of a case or a suite. FLAKY passed, but not at once; NOTED is no failure."""

    PASSED = "passed"
    NOTED = "noted"
    FLAKY = "flaky"
    SKIPPED = "skipped"
    FAILED = "failed"
    ERROR = "error"

    @property
    def bad(self) -> bool:
        return self in {Verdict.FAILED, Verdict.ERROR}


# The verdict of a whole is that of its worst part.
_SEVERITY = [Verdict.SKIPPED, Verdict.PASSED, Verdict.NOTED, Verdict.FLAKY, Verdict.FAILED, Verdict.ERROR]


def worst(verdicts: list[Verdict]) -> Verdict:
    """The most severe of these verdicts; SKIPPED when there is none."""
    return max(verdicts, key=_SEVERITY.index, default=Verdict.SKIPPED)


@dataclass(frozen=True)
class Location:
    """Where in the source a finding is. Lines and columns count from 1; 0 means unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.path, *(str(n) for n in (self.line, self.column) if n)])


@dataclass(frozen=True)
class Case:
    """One assertion. `message` is one line, `detail` whatever helps to understand a failure."""

    name: str
    verdict: Verdict
    seconds: float = 0.0
    message: str = ""
    detail: str = ""
    place: Location | None = None
    code: str = ""
    link: str = ""


# The phase in which an example waits for its base. It is no work of the example's own.
WAITING = "base"
BUILT = " (build)"
"""Ends the name of a suite that only tells whether a base could be built."""


@dataclass(frozen=True)
class Phase:
    """A phase of a suite on the timeline; seconds since the report's start."""

    phase: str
    start: float
    end: float


@dataclass(frozen=True)
class Attempt:
    """One run of a suite's tests: what was asserted, how long it took, what the image's own process wrote."""

    cases: tuple[Case, ...]
    seconds: float = 0.0
    log: str = ""

    @property
    def failures(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.verdict.bad)


@dataclass(frozen=True)
class Quarantine:
    """Why a suite's failures do not count, and until when (an ISO date, inclusive)."""

    reason: str
    link: str
    until: str
    expired: bool = False


@dataclass(frozen=True)
class Suite:
    """The cases of one image or one linted file. `earlier` holds the failed attempts before the one that counts.

    Suites of one `group` are what a reader takes for one thing, as all linted files are. `kind` is what it is about:
    an `example`, a `base` that is tested, the `build` of one; empty for whatever else is told.
    """

    name: str
    cases: tuple[Case, ...]
    spans: tuple[Phase, ...] = ()
    log: str = ""
    quarantine: Quarantine | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    earlier: tuple[Attempt, ...] = ()
    group: str = ""
    kind: str = ""

    @property
    def verdict(self) -> Verdict:
        return worst([case.verdict for case in self.cases])

    @property
    def quarantined(self) -> bool:
        """Whether a failure of this suite is excused today."""
        return self.quarantine is not None and not self.quarantine.expired

    @property
    def blocks(self) -> bool:
        """Whether this suite makes the whole fail."""
        return self.verdict.bad and not self.quarantined

    @property
    def seconds(self) -> float:
        return sum(span.end - span.start for span in self.spans if span.phase != WAITING)

    @property
    def failures(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.verdict.bad)

    @property
    def flaky(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.verdict is Verdict.FLAKY)

    @property
    def noted(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.verdict is Verdict.NOTED)

    @property
    def telling_log(self) -> str:
        """The output of the image's own process when the tests failed for the last time; empty when they never did."""
        if self.failures:
            return self.log
        return self.earlier[-1].log if self.earlier else ""


@dataclass(frozen=True)
class Report:
    """Everything one call found out. `started` is UTC, ISO 8601; `seconds` the wall-clock length of the call."""

    title: str
    suites: tuple[Suite, ...]
    started: str = ""
    seconds: float = 0.0
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return any(suite.blocks for suite in self.suites)

    @property
    def exit_code(self) -> int:
        return 1 if self.failed else 0


def merge(title: str, reports: Sequence[Report]) -> Report:
    """Several reports of one call as one. They share the clock of the call."""
    suites = tuple(suite for report in reports for suite in report.suites)
    outputs = {key: value for report in reports for key, value in report.outputs.items()}
    started = min((report.started for report in reports), default="")
    return Report(title, suites, started, max((report.seconds for report in reports), default=0.0), outputs)
