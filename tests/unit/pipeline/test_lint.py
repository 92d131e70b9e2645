"""The linters' outputs, as the pinned versions print them, become findings and cases."""

import json

import pytest

from pipeline.errors import BaselardError
from pipeline.lint import gossfiles, hadolint, workflows
from pipeline.lint.finding import Finding, document
from pipeline.lint.run import suites
from pipeline.model import Place, Span, Verdict


def hadolint_item(**changes):
    return {"code": "DL3006", "column": 1, "file": "D", "level": "warning", "line": 1, "message": "Tag\nit"} | changes


def test_hadolint():
    (finding,) = hadolint.parse(json.dumps([hadolint_item()]), {"D": "FROM debian\n"})
    assert finding == Finding(
        Place("D", 1, 1), "DL3006", "warning", "Tag it", "https://github.com/hadolint/hadolint/wiki/DL3006"
    )
    assert hadolint.link("SC2086") == "https://www.shellcheck.net/wiki/SC2086"


@pytest.mark.parametrize("text", ["FROM debian\nRUN <<E\nx\nE\nRUN y\n", "FROM localhost:5000/x:1\n"])
def test_what_only_hadolint_cannot_read_is_no_error_of_the_file(text):
    broken = json.dumps([hadolint_item(code="DL1000", level="error", line=5)])
    assert hadolint.parse(broken, {"D": text})[0].severity == "style"
    assert hadolint.parse(broken, {"D": "FROM debian\nRUNN y\n"})[0].severity == "error"


def test_actionlint():
    printed = '[{"message":"undefined","filepath":"w.yml","line":8,"column":21,"kind":"expression"}]'
    (finding,) = workflows.parse_actionlint(printed)
    assert (str(finding.place), finding.code, finding.severity) == ("w.yml:8:21", "actionlint/expression", "error")


def test_zizmor_points_at_the_primary_location():
    def location(kind, row):
        point = {"row": row, "column": 4}
        return {
            "symbolic": {"kind": kind, "annotation": "here", "key": {"Local": {"verbatim_path": "w.yml"}}},
            "concrete": {"location": {"start_point": point}},
        }

    item = {
        "ident": "template-injection",
        "desc": "code injection",
        "url": "https://docs",
        "determinations": {"severity": "High"},
        "locations": [location("Related", 1), location("Primary", 6)],
        "ignored": False,
    }
    (finding,) = workflows.parse_zizmor(json.dumps([item, item | {"ignored": True}]))
    assert (str(finding.place), finding.severity, finding.message) == ("w.yml:7:5", "error", "code injection: here")


def test_gossfiles():
    printed = (
        "\nbaselard-goss a.yaml\nfile:\n  /x: {}\n"
        "\nbaselard-goss b/goss.yaml\n2026/11/23 15:43:49 yaml: line 4: did not find expected node content\nfailed\n"
        "\nbaselard-goss c.yaml\n{}\n"
    )
    bad, empty = gossfiles.parse(printed)
    assert (str(bad.place), bad.message) == ("b/goss.yaml:4", "yaml: line 4: did not find expected node content")
    assert (str(empty.place), empty.code) == ("c.yaml:1", "goss/empty")


@pytest.mark.parametrize(
    ("threshold", "verdict"), [("error", Verdict.NOTED), ("warning", Verdict.FAILED), ("style", Verdict.FAILED)]
)
def test_the_threshold_decides(threshold, verdict):
    assert Finding(Place("D", 1), "X", "warning", "m").case(threshold).verdict is verdict


def test_a_linter_that_breaks_is_not_a_pass():
    with pytest.raises(BaselardError, match="hadolint printed no JSON but: Segmentation"):
        document("hadolint", "Segmentation fault")


def test_clean_files_are_reported_too_and_findings_are_sorted():
    found = [Finding(Place("a", line), "X", "error", "m") for line in (9, 2)]
    first, second = suites(["a", "b"], found, "warning", Span("lint", 0, 1))
    assert [case.place.line for case in first.cases] == [2, 9]
    assert [case.verdict for case in second.cases] == [Verdict.PASSED]
