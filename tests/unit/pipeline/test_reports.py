"""Every format derives from the same report."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from dagger.mod._exceptions import _exception_attributes

from pipeline.errors import ChecksFailed
from pipeline.model import Attempt, Case, Location, Phase, Quarantine, Report, Suite, Verdict
from pipeline.report import commands, junit, outputs, summary, text, timeline
from pipeline.report.directory import files
from pipeline.verdict import settle

ROOT = Path(__file__).resolve().parents[3]
GOOD = Suite(
    "python-cli", (Case("File /a exists", Verdict.PASSED, 0.5),), (Phase("build", 0, 1), Phase("test", 1, 1.5))
)
BAD = Suite(
    "web|app",
    (
        Case("Port tcp:3000 listening", Verdict.FAILED, message="expected true,\ngot `false`", detail="Port: x"),
        Case("skip me", Verdict.SKIPPED),
    ),
    (Phase("build", 0, 2), Phase("test", 2, 2.25)),
    log="listening on 3001\n\x1b[31mboom\x00",
)
EXCUSED = Suite("old", (Case("x", Verdict.FAILED, message="no"),), quarantine=Quarantine("mirror", "", "2030-01-01"))
EXCUSED_EXAMPLE = replace(EXCUSED, kind="example")
FLAKY = Suite(
    "net",
    (Case("fetch", Verdict.FLAKY, message="passed at attempt 2; failed at attempt 1: closed"),),
    log="all is well",
    earlier=(Attempt((Case("fetch", Verdict.FAILED, message="closed"),), 0.25, "cannot bind"),),
)
LINT = Suite(
    "Dockerfile",
    (
        Case(
            "DL3006",
            Verdict.FAILED,
            message="warning: tag it",
            place=Location("Dockerfile", 1, 2),
            link="https://x/DL3006",
        ),
    ),
)
REPORT = Report("examples", (GOOD, BAD, EXCUSED, FLAKY), "2026-01-01T00:00:00+00:00", 2.5, {"digest": "sha256:1"})


def test_text_shows_a_line_for_each_image_and_the_reason():
    shown = text.render(REPORT)
    lines = shown.splitlines()
    assert lines[0].split() == ["passed", "python-cli", "1/1", "1.5", "s"]
    assert lines[1].split()[:3] == ["FAILED", "web|app", "0/1"]
    assert lines[2].startswith("quarantined")
    assert "  ✗ Port tcp:3000 listening: expected true," in shown
    assert "    | listening on 3001" in shown
    assert lines[-1] == "examples: 1 of 4 failed (web|app) in 2.5 s"


def test_text_of_a_finding_starts_with_its_place():
    assert "  ✗ Dockerfile:1:2: DL3006: warning: tag it\n      https://x/DL3006" in text.render(Report("lint", (LINT,)))


def test_githubs_problem_matcher_reads_the_text():
    """https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md"""
    (matcher,) = json.loads((ROOT / "action" / "problem-matcher.json").read_text())["problemMatcher"]
    (pattern,) = matcher["pattern"]
    port = Case("Port tcp:80 listening", Verdict.FAILED, message="expected: true", place=Location("web/goss.yaml", 4))
    noted = Case("DL1", Verdict.NOTED, message="info: x", place=Location("Dockerfile", 2))
    shown = text.render(Report("t", (LINT, Suite("web", (port, noted)), BAD)))
    matches = [found for line in shown.splitlines() if (found := re.match(pattern["regexp"], line))]
    read = [{key: found[number] for key, number in pattern.items() if key != "regexp"} for found in matches]
    finding = {"file": "Dockerfile", "line": "1", "column": "2", "code": "DL3006", "severity": "warning"}
    test = {"file": "web/goss.yaml", "line": "4", "column": None, "code": "Port tcp:80 listening", "severity": None}
    assert read == [{**finding, "message": "tag it"}, {**test, "message": "expected: true"}]
    assert matcher["severity"] == "error"  # of what names none


def test_junit_counts_and_carries_reasons():
    root = ET.fromstring(junit.render(REPORT))
    assert [root.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["5", "1", "0", "2"]
    case = root.find("testsuite[@name='web|app']/testcase")
    assert case.find("failure").get("message") == "expected true,\ngot `false`"
    assert root.find("testsuite[@name='old']/testcase/skipped").get("message").startswith("quarantined until 2030")
    flaky = root.find("testsuite[@name='net']/testcase/flakyFailure")
    assert (flaky.get("message"), flaky.get("type")) == ("closed", "attempt 1")


def test_junit_of_a_finding_has_file_and_line():
    case = ET.fromstring(junit.render(Report("lint", (LINT,)))).find(".//testcase")
    assert (case.get("file"), case.get("line")) == ("Dockerfile", "1")


def test_summary_puts_failures_first_and_escapes_what_others_wrote():
    shown = summary.render(REPORT)
    assert shown.index("### ❌ web\\|app") < shown.index("### 🚧 old") < shown.index("| ✅ | python-cli")
    assert "**Port tcp:3000 listening**: `` expected true, got `false` ``" in shown
    assert "```mermaid\n%%{init:" in shown


def test_summary_folds_what_passed_and_counts_linted_files_in_one_row():
    lint = [Suite(f"f{number}", (Case("clean", Verdict.PASSED),), group="lint") for number in range(27)]
    shown = summary.render(Report("all", (*lint, GOOD, BAD)))
    assert shown.startswith("## ❌ all: 1 of 3 failed (web\\|app)")
    assert "<details><summary>✅ 1 passed, lint: 27 passed</summary>" in shown
    assert shown.count("| ✅ |") == 2 and shown.index("| ❌ | web") < shown.index("<summary>✅") < shown.index("| ✅ |")
    assert "<summary>✅ 27 passed</summary>" in summary.render(Report("lint", tuple(lint)))


def test_summary_folds_what_did_not_run():
    skipped = [Suite(f"s{number}", (Case("tests", Verdict.SKIPPED, message="unchanged"),)) for number in range(9)]
    noted = Suite("n", (Case("range", Verdict.NOTED),))
    shown = summary.render(Report("t", (GOOD, *skipped, noted, FLAKY)))
    assert "<summary>✅ 2 passed, 9 skipped</summary>" in shown
    assert shown.index("| 🟡 | net") < shown.index("<summary>✅") < shown.index("| ⚪ | s8")


def test_summary_of_a_failed_lint_is_one_failure_with_its_findings():
    shown = summary.render(Report("all", (replace(LINT, group="lint"), GOOD)))
    assert "### ❌ lint\n\n- `Dockerfile:1:2`: [DL3006](https://x/DL3006): `warning: tag it`" in shown


def test_summary_shows_at_once_why_a_build_failed():
    broken = Suite("x", (Case("build", Verdict.ERROR, message="exit code 5", detail="no such gem"),))
    assert "<details open><summary>What it said last" in summary.render(Report("t", (broken,)))


def test_summary_stays_within_what_github_takes():
    """1 MiB a step: https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    suites = (Suite(f"s{number}", (Case("c", Verdict.FAILED),), log="ü" * 30_000) for number in range(40))
    shown = summary.render(Report("t", tuple(suites)))
    assert len(shown.encode()) < 1024**2 and shown.endswith("The rest is in report.html, and in summary.txt.\n")


def test_a_fence_in_a_log_cannot_end_the_block():
    suite = Suite("x", (Case("a", Verdict.FAILED, message="m"),), log="```\n<script>")
    assert "````text\n```\n<script>\n````" in summary.render(Report("t", (suite,)))


def test_mermaid_names_hold_no_separator():
    shown = timeline.mermaid(Report("t", (Suite("a:b;c", (), (Phase("build", 0, 1.25),)), Suite("nothing ran", ()))))
    assert "nothing ran" not in shown
    assert "section a b c" in shown
    assert "build 1.2 s :0, 1250" in shown


def test_mermaid_names_end_before_the_bars_and_waiting_is_room():
    spans = (Phase("base", 0, 2), Phase("build", 2, 3))
    shown = timeline.mermaid(Report("t", (Suite("n" * 80, (), spans), Suite("only waited", (), spans[:1]))))
    assert f"section {'n' * 29}…" in shown and '"leftPadding": 230' in shown
    assert "base" not in shown and "only waited" not in shown


def test_mermaid_says_what_red_is_and_draws_no_more_than_can_be_read():
    suites = [
        Suite(f"s{number:03}", (Case("c", Verdict.PASSED),), (Phase("test", 0, number),)) for number in range(1, 500)
    ]
    bad = replace(suites[2], cases=(Case("c", Verdict.FAILED),))
    shown = timeline.render(Report("t", (*suites, bad)))
    assert shown.count("section") == 40 and "section s003\n    test 3.0 s :crit" in shown and "section s499" in shown
    assert shown.endswith("The 40 that failed or took longest, of 500. Red: what failed.")
    assert "Red" not in timeline.render(Report("t", (GOOD,)))
    assert timeline.render(Report("t", ())) == ""


def test_annotations_are_single_escaped_lines():
    lines = commands.render(Report("t", (BAD, EXCUSED, FLAKY, LINT))).splitlines()
    assert lines[0] == "::error title=web|app%3A Port tcp%3A3000 listening::expected true,%0Agot `false`"
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::warning", "::error"]
    assert lines[3].startswith("::error file=Dockerfile,line=1,title=")


def test_outputs_hold_the_verdicts_and_what_was_produced():
    document = json.loads(outputs.render(REPORT))
    assert (document["exit-code"], document["digest"]) == (1, "sha256:1")
    assert document["suites"][1]["failures"] == ["Port tcp:3000 listening: expected true,\ngot `false`"]


def test_the_directory_says_how_the_call_would_have_ended():
    assert files(REPORT)["exit-code"] == "1\n"
    assert files(Report("t", (GOOD,)))["exit-code"] == "0\n"


def test_a_failed_report_is_raised_with_its_summary():
    with pytest.raises(ChecksFailed, match="1 of 4 failed") as raised:
        settle(REPORT)
    said = _exception_attributes(raised.value)
    heading = f"{said['exception.type']}: {said['exception.message']}"  # what the SDK's record_exception shows
    assert heading.startswith("1 of 4 failed: web|app\n\npassed       python-cli")
    assert "all 1 passed" in settle(Report("t", (GOOD,)))


def test_the_conclusion_says_what_was_counted():
    base = replace(GOOD, name="base (build)", kind="build")
    example, other = replace(GOOD, kind="example"), replace(GOOD, name="b", kind="example")
    said = [text.conclusion(Report("t", suites)) for suites in ((base, example, other), (base,), (example, GOOD))]
    assert said[0] == "t: all 3 passed (2 examples and the base) in 0.0 s"
    assert said[1:] == ["t: all 1 passed in 0.0 s", "t: all 2 passed in 0.0 s"]
    lint = Suite("f", (Case("clean", Verdict.PASSED),), group="lint")
    tested = replace(GOOD, kind="base")
    mixed = Report("t", (lint, tested, base, replace(base, name="dev"), example, EXCUSED_EXAMPLE))
    assert text.conclusion(mixed).startswith("t: 5 passed, 1 quarantined (2 examples, 1 tested base, 2 bases and lint)")


def test_what_did_not_build_failed_too_and_says_so():
    broken = Suite("x", (Case("build", Verdict.ERROR, message="exit code 5"),))
    late = Suite("y", (Case("tests", Verdict.ERROR, message="not done after 5 s"),))
    lines = text.render(Report("t", (broken, late))).splitlines()
    assert lines[0] == "FAILED  x    -  0.0 s  did not build" and lines[1] == "FAILED  y  0/1  0.0 s"


def test_what_handing_over_cost_stands_in_its_row_alone():
    shown = text.render(Report("t", (Suite("b by archive", (Case("handed over", Verdict.PASSED, 1, "12.0 MB"),)),)))
    assert shown.splitlines()[0].endswith("0.0 s  12.0 MB") and "handed over" not in shown


def test_a_flaky_pass_shows_its_failed_attempt_and_what_was_written_then():
    report = Report("t", (GOOD, FLAKY), seconds=1)
    shown, markdown = text.render(report), summary.render(report)
    for said in ("passed at attempt 2; failed at attempt 1: closed", "cannot bind"):
        assert said in shown
        assert said in markdown
    assert "all is well" not in shown + markdown
    assert shown.endswith("t: 1 passed, 1 flaky in 1.0 s")
    assert json.loads(outputs.render(report))["suites"][1]["earlier attempts"] == [
        {"seconds": 0.25, "failures": ["fetch: closed"]}
    ]


def test_a_failure_shows_that_earlier_attempts_failed_too():
    earlier = (Attempt((Case("fetch", Verdict.FAILED, message="closed"),)),)
    report = Report("t", (Suite("net", (Case("fetch", Verdict.FAILED, message="refused"),), earlier=earlier),))
    assert "attempt 1 failed too: fetch: closed" in text.render(report)
    assert "attempt 1 failed too: **fetch**: `closed`" in summary.render(report)
    root = ET.fromstring(junit.render(report))
    assert root.find(".//testcase/failure").get("message") == "refused"
    assert root.find(".//testcase/rerunFailure").get("message") == "closed"


def test_a_terminal_shows_linted_files_as_one_row():
    """As the page and the summary do, so that all three count alike."""
    clean = [Suite(name, (Case(name, Verdict.PASSED),), group="lint") for name in ("a/Dockerfile", "b/Dockerfile")]
    shown = text.render(Report("ci", (*clean, BAD)))
    assert "passed  lint" in shown
    assert "Dockerfile" not in shown
    assert "1 of 2 failed" in shown


def test_the_output_of_a_failed_script_is_shown_and_what_goss_says_twice_is_not():
    said = Case("test.sh", Verdict.FAILED, message="exit code 1", detail="line 1\nline 2", code="tester/script")
    shown = text.failure(Suite("a", (said, replace(said, detail="Port: x", code="goss/port"))))
    assert "      line 1\n      line 2" in shown and "Port: x" not in shown
