"""A report as a reader takes it in: 27 linted files are one row, and a base that was tested is not told twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.model import BUILT, Case, Report, Suite, Verdict


def folded(report: Report) -> Report:
    """The same report with one suite for each group; a report about one group alone keeps its suites.

    That a base was built goes without saying where its own tests are told.
    """
    tested = {suite.name for suite in report.suites if suite.kind == "base"}
    told = [suite for suite in report.suites if suite.failures or _built(suite) not in tested]
    if len({suite.group for suite in told}) < 2:
        return replace(report, suites=tuple(told))
    rows: dict[str | int, list[Suite]] = {}
    for number, suite in enumerate(told):
        rows.setdefault(suite.group or number, []).append(suite)
    return replace(report, suites=tuple(_one(suites) for suites in rows.values()))


def _built(suite: Suite) -> str:
    """The base whose build this is about, if it is about a build."""
    return suite.name.replace(BUILT, "") if suite.kind == "build" else ""


def _one(suites: Sequence[Suite]) -> Suite:
    group = suites[0].group
    if not group:
        return suites[0]
    cases = tuple(_named(case, suite) for suite in suites for case in suite.cases)
    spans = tuple(span for suite in suites for span in suite.spans)
    log = "\n".join(suite.log for suite in suites if suite.log)
    return Suite(group, cases, spans, log, group=group)


def _named(case: Case, suite: Suite) -> Case:
    """A finding tells its place; of a file without any its name is all that there is to tell."""
    return replace(case, name=suite.name) if case.verdict is Verdict.PASSED else case
