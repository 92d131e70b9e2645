"""All formats of one report as a Directory, so that a CI job keeps it first and fails afterwards."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import dagger
from dagger import dag

from pipeline import spans
from pipeline.model import Report
from pipeline.past import Past
from pipeline.report import commands, outputs, record, sarif, summary, text

COMMIT = "commit"
"""The key of a report's outputs that `baselard open --shell` reads."""
TESTED = "tested.json"
"""The report of the tests alone, beside that of the whole call; a test result names its digest."""


def files(report: Report, past: Past = MappingProxyType({})) -> dict[str, str]:
    """File names and contents. `exit-code` holds the code that the call itself would have ended with."""
    from pipeline.report import junit  # XML
    from pipeline.report.html import page  # read from files, and only a report needs it

    return {
        "report.html": page.render(report, past),
        "junit.xml": junit.render(report),
        "summary.md": summary.render(report),
        "comment.md": summary.comment(report),
        "summary.txt": text.render(report) + "\n",
        "annotations": commands.render(report),
        sarif.FILE: sarif.render(report),
        "outputs.json": outputs.render(report),
        record.FILE: record.render(report),
        "exit-code": f"{report.exit_code}\n",
    }


def render(report: Report, commit: str = "", past: Past = MappingProxyType({})) -> dagger.Directory:
    """The directory with these files, which tell the commit that they are about, if it is known.

    `past` are the verdicts of earlier runs.
    """
    report = replace(report, outputs={**report.outputs, **({COMMIT: commit} if commit else {})})
    spans.tell(report)
    directory = dag.directory()
    for name, contents in files(report, past).items():
        directory = directory.with_new_file(name, contents)
    return directory
