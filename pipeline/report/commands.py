"""GitHub's workflow commands: one line per failure, shown at its place in the changed files.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from pipeline.model import Case, Report, Suite, Verdict


def render(report: Report) -> str:
    """One command per line; empty when nothing failed. Excused and flaky ones are warnings."""
    lines = [
        _command(suite, case)
        for suite in report.suites
        for case in suite.cases
        if case.verdict.bad or case.verdict in {Verdict.FLAKY, Verdict.NOTED}
    ]
    return "".join(f"{line}\n" for line in lines)


def _command(suite: Suite, case: Case) -> str:
    level = "notice" if case.verdict is Verdict.NOTED else "error" if case.verdict.bad and suite.blocks else "warning"
    properties = {"title": f"{suite.name}: {case.name}"}
    if case.place:
        properties = {"file": case.place.path, "line": str(case.place.line or 1), **properties}
    shown = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {shown}::{_data(case.message or str(case.verdict))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
