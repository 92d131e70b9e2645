"""Findings as SARIF 2.1.0, which GitHub's code scanning and editors read: lint's remarks, and tests that failed.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; what GitHub wants besides is at
https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pipeline.model import Case, Location, Report, Suite, Verdict

FILE = "report.sarif"
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HOME = "https://github.com/baselard/baselard"
# Whose rule a code is, by what it begins with, and a page where rules have none of their own.
_OWNERS = {
    "actionlint/": ("actionlint", "https://github.com/rhysd/actionlint/blob/main/docs/checks.md"),
    "baselard/": ("Baselard", f"{_HOME}/blob/main/docs/how-to/publishing.md"),
    "goss/": ("goss", "https://goss.readthedocs.io/en/stable/gossfile/"),
    "tester/": ("Baselard", f"{_HOME}/blob/main/docs/reference/testers.md"),
    "zizmor/": ("zizmor", "https://docs.zizmor.sh/audits/"),
    "SC": ("ShellCheck", "https://www.shellcheck.net/wiki/"),
    "": ("hadolint", "https://github.com/hadolint/hadolint/wiki"),
}


def render(report: Report) -> str:
    """One run with every finding that has a code and a place; tests without a place are for the other reports."""
    findings = list(_findings(report))
    rules = list(dict.fromkeys(case.code for _, case, _ in findings))
    links = {case.code: case.link for _, case, _ in findings if case.link}
    driver = {
        "name": "Baselard",
        "informationUri": _HOME,
        "rules": [_rule(code, links.get(code, "")) for code in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(suite, case, place, rules.index(case.code)) for suite, case, place in findings],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _findings(report: Report) -> Iterator[tuple[Suite, Case, Location]]:
    for suite in report.suites:
        for case in suite.cases:
            if case.code and case.place and (case.verdict.bad or case.verdict in {Verdict.FLAKY, Verdict.NOTED}):
                yield suite, case, case.place


def _rule(code: str, link: str) -> dict[str, Any]:
    owner, page = next(about for start, about in _OWNERS.items() if code.startswith(start))
    help_ = link or page
    said = {"text": f"{code} of {owner}"}
    return {
        "id": code,
        "shortDescription": said,
        "fullDescription": said,
        "helpUri": help_,
        "help": {
            "text": f"What it means and what to do: {help_}",
            "markdown": f"[What it means and what to do]({help_})",
        },
    }


def _result(suite: Suite, case: Case, place: Location, rule: int) -> dict[str, Any]:
    message = case.message if case.name == case.code else f"{case.name}: {case.message}"
    result = {
        "ruleId": case.code,
        "ruleIndex": rule,
        "level": _level(suite, case),
        "message": {"text": message or str(case.verdict)},
        "locations": [{"physicalLocation": _location(place)}],
    }
    if suite.quarantine and suite.quarantined and case.verdict.bad:
        result["suppressions"] = [{"kind": "external", "justification": suite.quarantine.reason}]
    return result


def _level(suite: Suite, case: Case) -> str:
    if case.verdict is Verdict.NOTED:
        return "note"
    return "error" if case.verdict.bad and suite.blocks else "warning"


def _location(place: Location) -> Mapping[str, Any]:
    """Relative to the root of what was given as the source, as a URI; lines and columns from 1."""
    region = {"startLine": max(place.line, 1)}
    if place.line and place.column:
        region["startColumn"] = place.column
    path = quote(place.path.encode(errors="replace"))
    return {"artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"}, "region": region}
