"""What run.sh prints becomes cases. The JSON is as goss 0.4.9 writes it."""

import json

import pytest

from pipeline.goss.results import outcome
from pipeline.model import Verdict


def goss_result(**changes):
    match = {"actual": True, "expected": True, "missing-elements": None}
    return {
        "duration": 2_000_000_000,
        "err": None,
        "matcher-result": match,
        "meta": None,
        "property": "exists",
        "resource-id": "/etc/passwd",
        "resource-type": "File",
        "result": 0,
        "summary-line": "File: /etc/passwd: exists: matches expectation: true",
        "title": "",
    } | changes


def printed(**parts):
    return "".join(f"\nMARK {name.replace('_', '-')}\n{body}\n" for name, body in {**parts, "end": ""}.items())


def ran(*results, **parts):
    return printed(status="1", results=json.dumps({"results": results}), errors="", **parts)


def test_a_pass_has_its_time_in_seconds():
    (case,) = outcome(ran(goss_result()), "MARK").cases
    assert (case.name, case.verdict, case.seconds) == ("File /etc/passwd exists", Verdict.PASSED, 2.0)


def test_a_failure_says_expected_and_got_with_title_and_meta_as_detail():
    match = {"actual": 1, "expected": 0, "missing-elements": None}
    failing = goss_result(**{"result": 1, "matcher-result": match, "title": "it works", "meta": {"why": "docs"}})
    (case,) = outcome(ran(failing), "MARK").cases
    assert (case.verdict, case.message) == (Verdict.FAILED, "expected 0, got 1")
    assert case.detail == "it works\nwhy: docs"


def test_a_stream_says_what_is_missing_rather_than_a_go_object():
    match = {"actual": "object: *bytes.Reader", "expected": ["a", "b"], "missing-elements": ["b"]}
    (case,) = outcome(ran(goss_result(**{"result": 1, "matcher-result": match})), "MARK").cases
    assert case.message == 'output lacks "b"'
    assert case.detail == ""


@pytest.mark.parametrize(
    ("property_", "missing", "found", "message", "detail"),
    [
        ("stdout", ["hello"], ["/x/"], 'output lacks "hello"', 'it has "/x/"'),
        ("stderr", ["!err", "a"], None, 'output lacks "a" and has "err", which it must not', ""),
        ("contents", ["!/pass.*/"], None, "the file has /pass.*/, which it must not", ""),
        ("body", [], None, "the body is not as expected", ""),
    ],
)
def test_a_text_that_is_not_as_it_should_be_is_told_in_words(property_, missing, found, message, detail):
    """Recorded answers of goss 0.4.9: a pattern that must not match counts as missing, and the text is never told."""
    match = {
        "actual": "object: *bytes.Reader",
        "expected": [*missing, *(found or [])],
        "extra-elements": None,
        "found-elements": found,
        "message": "to have patterns",
        "missing-elements": missing,
    }
    line = 'Command: greet: stdout:\nExpected\n    "object: *bytes.Reader"\nto have patterns\n    ["hello","/x/"]'
    failing = goss_result(**{"result": 1, "property": property_, "matcher-result": match, "summary-line": line})
    (case,) = outcome(ran(failing), "MARK").cases
    assert (case.message, case.detail) == (message, detail)


def test_goss_own_error_is_the_message():
    (case,) = outcome(ran(goss_result(result=1, err="Command execution timed out (10s)")), "MARK").cases
    assert case.message == "Command execution timed out (10s)"


def test_skipped_is_not_failed():
    (case,) = outcome(ran(goss_result(result=2)), "MARK").cases
    assert case.verdict is Verdict.SKIPPED


def test_a_gossfile_that_goss_refuses_is_an_error_with_its_words():
    said = "Error: found 0 tests, source: goss-main.yaml"
    (case,) = outcome(printed(status="78", results="", errors=said), "MARK").cases
    assert case.verdict is Verdict.ERROR
    assert case.message == "goss cannot use this file: found 0 tests, source: goss-main.yaml"


def test_a_process_that_dies_during_the_tests_fails_and_keeps_its_log():
    seen = outcome(ran(goss_result(), exited="3", log="out of memory"), "MARK")
    assert seen.cases[-1].verdict is Verdict.FAILED
    assert "exit code 3" in seen.cases[-1].message
    assert seen.log.strip() == "out of memory"


def test_never_ready_lists_what_it_waited_for():
    waiting = json.dumps({"results": [goss_result(result=1), goss_result()]})
    seen = outcome(printed(wait=waiting, log="listening on 81"), "MARK", wait="examples/a/goss_wait.yaml")
    assert [case.name for case in seen.cases] == ["ready", "File /etc/passwd exists"]
    assert seen.cases[0].message == (
        "examples/a/goss_wait.yaml did not pass in time: File /etc/passwd exists; "
        "`wait` in baselard.yaml allows more seconds"
    )


def port(number, *, answers):
    match = {"actual": answers, "expected": True, "missing-elements": None}
    about = {"resource-type": "Addr", "resource-id": f"tcp://localhost:{number}", "property": "reachable"}
    return goss_result(**about, **{"result": 0 if answers else 1, "matcher-result": match})


def healthcheck(*, status):
    match = {"actual": status, "expected": 0, "missing-elements": None}
    about = {"resource-type": "Command", "resource-id": "healthcheck", "property": "exit-status"}
    return goss_result(**about, **{"result": 1 if status else 0, "matcher-result": match})


EXPOSED = "which the image declares by EXPOSE"


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([port(8080, answers=True), port(8443, answers=False)], f"on port 8443, {EXPOSED} (port 8080 answers);"),
        ([port(80, answers=False), port(443, answers=False)], f"on ports 80, 443, {EXPOSED};"),
        (
            [port(1, answers=True), port(2, answers=True), port(3, answers=False)],
            f"on port 3, {EXPOSED} (ports 1, 2 answer);",
        ),
        ([port(8080, answers=False)], f"nothing answers on port 8080, {EXPOSED};"),
        (
            [port(8080, answers=True), healthcheck(status=1)],
            "never became ready: its healthcheck does not pass (expected 0, got 1);",
        ),
        (
            [port(8080, answers=False), healthcheck(status=7)],
            f"nothing answers on port 8080, {EXPOSED}, and its healthcheck does not pass (expected 0, got 7);",
        ),
    ],
)
def test_never_ready_by_what_it_declares_says_which_and_both_remedies(results, said):
    """Waiting longer helps who is slow; a port that nobody is to answer on needs a file that says so."""
    (ready, *_) = outcome(printed(wait=json.dumps({"results": results})), "MARK").cases
    assert said in ready.message
    assert "a goss_wait.yaml among its gossfiles says what to wait for instead" in ready.message
    assert "`wait` allows more seconds" in ready.message


def test_what_holds_when_it_is_looked_at_once_more_was_too_slow():
    waiting = json.dumps({"results": [port(8080, answers=True)]})
    (ready,) = outcome(printed(wait=waiting), "MARK").cases
    assert ready.message == "became ready too late; `wait` in baselard.yaml allows more seconds"


def test_never_ready_because_it_died():
    seen = outcome(printed(wait=json.dumps({"results": []}), exited="127", log="sh: not found"), "MARK")
    assert "ended with exit code 127" in seen.cases[0].message


def test_a_wait_file_that_does_not_parse_is_an_error():
    (case,) = outcome(printed(wait_error="Error: yaml: line 1: bad"), "MARK").cases
    assert (case.verdict, case.message) == (Verdict.ERROR, "yaml: line 1: bad")


def test_output_that_stops_early_is_an_error_with_stderr():
    (case,) = outcome("\nMARK status\n0\n", "MARK", "runc: out of memory").cases
    assert (case.verdict, case.detail) == (Verdict.ERROR, "runc: out of memory")
