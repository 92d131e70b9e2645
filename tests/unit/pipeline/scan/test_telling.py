"""A scan as a report: what failed and why, and that what did not run is never told as passed.

Judge: `answer.json`, which osv-scanner printed; and the exit code of the report.
"""

import json
from datetime import date
from pathlib import Path

import pytest

from pipeline.clock import Clock
from pipeline.config.config import parse
from pipeline.model import Case, Verdict
from pipeline.report import text
from pipeline.scan import answers, policy, telling
from pipeline.scan.packages import ListedPackage
from pipeline.scan.telling import Scan

ANSWER = answers.read(Path(__file__).with_name("answer.json").read_text())
TODAY = date(2026, 11, 28)
THING = ListedPackage("thing", "1", "pkg:generic/thing@1")
BASH = ListedPackage("bash", "5.2", "pkg:rpm/redhat/bash@5.2")


def configured(written="scan: {}"):
    config = parse(written)
    assert config.scan
    return config, config.scan


def scanned(settings, passed_over=(THING,), **more):
    known = [policy.rule(one, (one.package,), settings, TODAY) for one in ANSWER.vulnerabilities]
    rulings = tuple(sorted(known, key=telling.order))
    return Scan("acme/base", database="osv", looked_up=3, passed_over=passed_over, rulings=rulings, **more)


def told(written, *scans):
    config, settings = configured(written)
    report = telling.report(config, settings, scans or [scanned(settings)], Clock())
    return report, text.render(report)


def test_the_worst_comes_first_with_what_to_do():
    report, shown = told("scan: {severity: medium}")
    assert report.exit_code == 1
    failed = [line.strip() for line in shown.splitlines() if "✗" in line]
    assert failed == [
        "✗ DEBIAN-CVE-2026-90004: bash 5.2.37-2, of unknown severity, no fix is known",
        "✗ DSA-9999-1 (CVE-2026-90001, CVE-2026-90002): openssl 3.5.1-1, critical (9.8), fixed in 999:1-1",
        "✗ DEBIAN-CVE-2026-90003: bash 5.2.37-2, medium (5.3), no fix is known",
        "✗ PYSEC-2026-1 (CVE-2026-90010): made-up 1.0, medium, fixed in 2.0",
    ]
    assert "· below medium: 1 negligible" in shown
    assert "· passed over: 1 that no database is for: thing" in shown
    assert "3 packages looked up in osv: 4 of 5 known vulnerabilities fail" in shown
    assert "· no fix is known: of DEBIAN-CVE-2026-90004, DEBIAN-CVE-2026-90003: to accept one until a day" in shown


def test_packages_are_told_as_the_image_has_them():
    _, settings = configured()
    known = next(one for one in ANSWER.vulnerabilities if one.package == "openssl")
    ruled = policy.rule(known, ("libssl3t64", "openssl", "libssl-dev"), settings, TODAY)
    _, shown = told("scan: {}", Scan("acme/base", database="osv", looked_up=3, rulings=(ruled,)))
    assert "openssl 3.5.1-1 (installed as libssl-dev, libssl3t64), critical (9.8)" in shown


LIST = """\
scan:
  ignore:
    - {id: CVE-2026-90004, until: 2026-11-27, reason: builtins alone}
    - {id: DSA-9999-1, until: 2999-01-01, reason: not reached}
    - {id: CVE-2026-1, package: zlib, until: 2999-01-01, reason: gone}
"""


def test_entries_of_the_list_are_told_with_their_lines():
    report, shown = told(LIST)
    assert report.exit_code == 1
    assert "✗ baselard.yaml:3: DEBIAN-CVE-2026-90004: bash 5.2.37-2, of unknown severity, no fix is known; " in shown
    assert "ignored until 2026-11-27, which is over: builtins alone" in shown
    assert "· baselard.yaml:4: DSA-9999-1 (CVE-2026-90001, CVE-2026-90002): openssl 3.5.1-1, critical" in shown
    assert "fixed in 999:1-1; ignored until 2999-01-01: not reached" in shown
    assert "· baselard.yaml:5: CVE-2026-1: was not found in zlib: where no image has it, the entry can go" in shown


def test_an_entry_may_be_about_an_image_that_was_not_scanned():
    _, settings = configured(LIST)
    _, shown = told(LIST, scanned(settings), Scan("acme/other", problem="no database"))
    assert "can go" not in shown


@pytest.mark.parametrize("scan", [Scan("acme/base", problem="no database"), None])
def test_what_did_not_run_fails_and_is_never_told_as_passed(scan):
    _, settings = configured("scan: {severity: critical, unknown: note, fixed-only: true}")
    fine = policy.rule(ANSWER.vulnerabilities[1], (), settings, TODAY)
    rpm = Scan("acme/base", database="osv", looked_up=1, passed_over=(BASH, BASH), rulings=(fine,))
    report, shown = told("scan: {severity: critical}", scan or rpm)
    assert report.exit_code == 1
    assert "did not run: no database" in shown and "; with scan.required: false it is skipped then" in shown
    assert ("2 packages of the kind rpm" in shown) == (scan is None)
    report, shown = told("scan: {severity: critical, required: false}", scan or rpm)
    assert report.exit_code == 0
    assert report.suites[0].verdict is Verdict.SKIPPED
    assert "did not run: no database" in shown
    assert "passed" not in shown and "scan: all 1 skipped" in shown


def test_findings_fail_where_the_rest_did_not_run():
    _, settings = configured("scan: {required: false}")
    report, shown = told("scan: {required: false}", scanned(settings, passed_over=(BASH,)))
    assert report.exit_code == 1
    assert "DSA-9999-1" in shown and "passed" not in shown


def test_an_image_that_does_not_build_is_an_error():
    report, shown = told(
        "scan: {required: false}", Scan("acme/base", unbuilt=Case("build", Verdict.ERROR, message="x"))
    )
    assert (report.exit_code, "did not build" in shown) == (1, True)


def test_programs_are_told_all_of_it():
    """The shape that docs/how-to/vulnerabilities.md describes."""
    _, settings = configured(LIST)
    document = json.loads(json.dumps(telling.document(settings, [scanned(settings)])))
    assert document["policy"] == {"severity": "high", "unknown": "fail", "fixed-only": False}
    assert [entry["id"] for entry in document["unused-ignores"]] == ["CVE-2026-1"]
    (image,) = document["images"]
    assert {key: image[key] for key in ("name", "did-not-run", "database", "looked-up", "passed-over")} == {
        "name": "acme/base",
        "did-not-run": "",
        "database": "osv",
        "looked-up": 3,
        "passed-over": ["thing"],
    }
    assert [(one["id"], one["severity"], one["ruling"]) for one in image["vulnerabilities"]] == [
        ("DEBIAN-CVE-2026-90004", "unknown", "fails"),
        ("DSA-9999-1", "critical", "ignored"),
        ("DEBIAN-CVE-2026-90003", "medium", "below"),
        ("PYSEC-2026-1", "medium", "below"),
        ("DEBIAN-CVE-2026-90005", "negligible", "below"),
    ]
    page = (Path(__file__).resolve().parents[4] / "docs/how-to/vulnerabilities.md").read_text()
    keys = {*document, *document["policy"], *image, *image["vulnerabilities"][0]}
    assert [key for key in sorted(keys) if f'"{key}"' not in page] == []
