"""JUnit XML, in the form that CI systems agree on: a suite per image, a case per assertion."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # written here, never parsed
from collections.abc import Iterator

from pipeline.model import Case, Report, Suite, Verdict

# XML 1.0 allows no other control characters, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """The whole document. Excused failures are `skipped`, with the reason; flaky passes carry a `flakyFailure`."""
    root = ET.Element("testsuites", name=_clean(report.title), time=_seconds(report.seconds))
    root.extend(_suite(suite, report.started) for suite in report.suites)
    for attribute in ("tests", "failures", "errors", "skipped"):
        root.set(attribute, str(sum(int(child.get(attribute, "0")) for child in root)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(suite: Suite, started: str) -> ET.Element:
    element = ET.Element("testsuite", name=_clean(suite.name), time=_seconds(suite.seconds))
    if started:
        element.set("timestamp", started)
    element.extend(_case(case, suite) for case in suite.cases)
    element.set("tests", str(len(suite.cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(sum(case.find(tag) is not None for case in element)))
    if suite.log:
        ET.SubElement(element, "system-out").text = _clean(suite.log)
    return element


def _case(case: Case, suite: Suite) -> ET.Element:
    element = ET.Element("testcase", classname=_clean(suite.name), name=_clean(case.name), time=_seconds(case.seconds))
    if case.place:
        element.set("file", case.place.path)
        element.set("line", str(case.place.line))
    tag = _tag(case, suite)
    if tag:
        child = ET.SubElement(element, tag, message=_message(case, suite))
        child.text = _clean(case.detail) or None
    element.extend(_earlier(case, suite))
    return element


def _earlier(case: Case, suite: Suite) -> Iterator[ET.Element]:
    """The failures of earlier attempts, named as Maven Surefire's schema has them."""
    tag = "rerunFailure" if case.verdict.bad else "flakyFailure"
    for number, attempt in enumerate(suite.earlier, 1):
        for failure in (one for one in attempt.failures if one.name == case.name):
            child = ET.Element(tag, message=_clean(failure.message), type=f"attempt {number}")
            child.text = _clean(failure.detail) or None
            yield child


def _tag(case: Case, suite: Suite) -> str:
    if case.verdict.bad and suite.quarantined:
        return "skipped"
    tags = {
        Verdict.FAILED: "failure",
        Verdict.ERROR: "error",
        Verdict.SKIPPED: "skipped",
    }
    return tags.get(case.verdict, "")


def _message(case: Case, suite: Suite) -> str:
    excuse = (
        f"quarantined until {suite.quarantine.until}: {suite.quarantine.reason}; "
        if (suite.quarantine and suite.quarantined and case.verdict.bad)
        else ""
    )
    return _clean(excuse + case.message)


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
