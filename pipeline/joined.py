"""The reports of a fan-out's runners as one: the one that a single machine would have written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import dagger

from baselard.oci.together import each
from pipeline import checks
from pipeline.errors import UsageError
from pipeline.model import Case, Phase, Report, Suite, Verdict
from pipeline.report import record

# Where a report tells which platform it is about; with one platform only, nobody needs to be told.
PLATFORM = "platform"


@dataclass(frozen=True)
class Expected:
    """The share of a plan that one runner got."""

    examples: tuple[str, ...]
    platform: str
    runner: str


async def read(reports: dagger.Directory) -> list[Report]:
    """Every report below this directory. UsageError for a file of that name that is none."""
    paths = sorted(await reports.glob(f"**/{record.FILE}"))
    texts = await each(paths, lambda path: reports.file(path).contents())
    return [record.parse(text, path) for text, path in zip(texts, paths, strict=True)]


def expected(plan: str) -> list[Expected]:
    """The jobs of a plan, as `matrix` printed it; UsageError when it is something else."""
    try:
        jobs = json.loads(plan)["matrix"]["include"]
        return [Expected(tuple(job["example"].split(",")), job["platform"], job["runner"]) for job in jobs]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError("--plan is not what the function matrix printed") from error


def join(reports: Sequence[Report], jobs: Sequence[Expected], order: Sequence[str]) -> Report:
    """One report: suites in the project's `order`, times on one clock, and a failure for each test nobody reported."""
    if not reports and not jobs:
        raise UsageError(f"there is nothing to join: no {record.FILE} in --reports, and no --plan")
    planned = {job.platform for job in jobs}
    only = planned.pop() if len(planned) == 1 else ""
    reports = [report if PLATFORM in report.outputs else of_platform(report, only) for report in reports]
    platforms = list(dict.fromkeys([*(job.platform for job in jobs), *(_platform(one) for one in reports)]))
    zero = min((_moment(one) for one in reports if one.started), default=None)
    suites = [(_platform(one), suite) for one in reports for suite in _shifted(one, zero)]
    suites += _missing(suites, jobs)
    suites.sort(key=lambda pair: (platforms.index(pair[0]), _rank(pair[1], order)))
    title = ", ".join(dict.fromkeys(one.title for one in reports)) or "test-examples"
    named = tuple(_named(suite, platform if len(platforms) > 1 else "") for platform, suite in suites)
    outputs = {key: value for one in reports for key, value in one.outputs.items() if key != PLATFORM}
    return Report(title, named, zero.isoformat() if zero else "", _seconds(reports, zero), outputs)


def of_platform(report: Report, platform: str) -> Report:
    """The report, telling a later `join` which platform it is about."""
    return replace(report, outputs={**report.outputs, PLATFORM: platform}) if platform else report


def _platform(report: Report) -> str:
    return str(report.outputs.get(PLATFORM, ""))


def _moment(report: Report) -> datetime:
    return datetime.fromisoformat(report.started)


def _seconds(reports: Sequence[Report], zero: datetime | None) -> float:
    """From the first start to the last end, by the machines' own clocks."""
    ends = [_moment(report) + timedelta(seconds=report.seconds) for report in reports if report.started]
    return (max(ends) - zero).total_seconds() if zero else 0.0


def _shifted(report: Report, zero: datetime | None) -> Iterable[Suite]:
    """The suites with their spans related to the first machine's start."""
    by = (_moment(report) - zero).total_seconds() if zero and report.started else 0.0
    for suite in report.suites:
        spans = tuple(Phase(span.phase, span.start + by, span.end + by) for span in suite.spans)
        yield replace(suite, spans=spans)


def _missing(suites: Sequence[tuple[str, Suite]], jobs: Sequence[Expected]) -> list[tuple[str, Suite]]:
    """A failed suite for every example that a runner should have reported and none did."""
    known = {(platform, suite.name) for platform, suite in suites}
    broken = {
        platform: suite.name
        for platform, suite in suites
        if suite.name.endswith(checks.build_name("")) and suite.blocks
    }
    lost = []
    for job in jobs:
        runner = f"its runner ({job.platform}, {job.runner})"
        reason = f"no report came from {runner}: it broke down, was cancelled or never started"
        if job.platform in broken:
            reason = f"not tested: {broken[job.platform]} failed"
        case = Case("report", Verdict.ERROR, message=reason)
        lost += [(job.platform, Suite(name, (case,))) for name in job.examples if (job.platform, name) not in known]
    return lost


def _rank(suite: Suite, order: Sequence[str]) -> int:
    """Examples in their order, after everything else."""
    return order.index(suite.name) if suite.name in order else -1


def _named(suite: Suite, platform: str) -> Suite:
    return replace(suite, name=f"{suite.name} ({platform})") if platform else suite
