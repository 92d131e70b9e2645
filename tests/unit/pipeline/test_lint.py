"""The linters' outputs, as the pinned versions print them, become findings and cases."""

import json

import pytest

from pipeline.discovery import discover
from pipeline.errors import BaselardError
from pipeline.lint import gossfiles, hadolint, workflows
from pipeline.lint.finding import Finding, document
from pipeline.lint.linting import substituted, suites
from pipeline.model import Location, Phase, Verdict


def hadolint_item(**changes):
    return {"code": "DL3006", "column": 1, "file": "D", "level": "warning", "line": 1, "message": "Tag\nit"} | changes


def test_hadolint():
    (finding,) = hadolint.parse(json.dumps([hadolint_item()]), {"D": "FROM debian\n"})
    assert finding == Finding(
        Location("D", 1, 1), "DL3006", "warning", "Tag it", "https://github.com/hadolint/hadolint/wiki/DL3006"
    )
    assert hadolint.link("SC2086") == "https://www.shellcheck.net/wiki/SC2086"


@pytest.mark.parametrize("text", ["FROM debian\nRUN <<E\nx\nE\nRUN y\n", "FROM localhost:5000/x:1\n"])
def test_what_only_hadolint_cannot_read_is_no_error_of_the_file(text):
    broken = json.dumps([hadolint_item(code="DL1000", level="error", line=5)])
    assert hadolint.parse(broken, {"D": text})[0].severity == "style"
    assert hadolint.parse(broken, {"D": "FROM debian\nRUNN y\n"})[0].severity == "error"


# Dockerfiles of examples, what hadolint 2.15.1 says of their FROM lines by itself (recorded), and what is left of it.
FROM_LINES = [
    ("FROM ghcr.io/acme/base:latest\n", ["DL3007:1"], []),
    ("FROM ghcr.io/acme/base\n", ["DL3006:1"], []),
    ("FROM ghcr.io/acme/base:dev\n", [], []),
    (
        "# why\n\nFROM \\\n  ghcr.io/acme/base:latest AS build\nFROM node:latest\n",
        ["DL3007:3", "DL3007:5"],
        ["DL3007:5"],
    ),
    ("ARG BASE=ghcr.io/acme/base\nFROM $BASE:latest\n", ["DL3007:2"], []),
    ("FROM ghcr.io/acme/base:dev AS b\nFROM ghcr.io/acme/base-other:latest\n", ["DL3007:2"], ["DL3007:2"]),
    (
        "FROM --platform=linux/amd64 ghcr.io/acme/base:latest\nRUN cd /tmp\n",
        ["DL3007:1", "DL3029:1", "DL3003:2"],
        ["DL3029:1", "DL3003:2"],
    ),
    ("FROM ghcr.io/acme/base:dev AS b\nFROM debian\n", ["DL3006:2"], ["DL3006:2"]),
    ("FROM ghcr.io/acme/base:latest\nRUNN x\n", ["DL1000:2"], ["DL1000:2"]),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("text", "said", "left"), FROM_LINES)
async def test_the_tag_of_a_base_under_test_is_no_finding(repository, text, said, left):
    """It is our convention: what is built in the same call takes the reference's place, whatever its tag."""
    files = {"baselard.yaml": "bases: [{name: ghcr.io/acme/base, targets: [standard, dev]}]\n"}
    files |= {"Dockerfile": "FROM debian:13 AS standard\nFROM standard AS dev\n", "examples/a/Dockerfile": text}
    project = await discover.project(repository(files))
    path, texts = "examples/a/Dockerfile", {"examples/a/Dockerfile": text, "Dockerfile": files["Dockerfile"]}
    printed = [hadolint_item(file=path, code=one.partition(":")[0], line=int(one.partition(":")[2])) for one in said]
    found = hadolint.parse(json.dumps(printed), texts, substituted(project, texts))
    assert [f"{one.code}:{one.place.line}" for one in found] == left


@pytest.mark.anyio
async def test_a_base_on_an_earlier_base_is_given_it_too_but_never_itself(repository):
    texts = {"a/Dockerfile": "FROM acme/a:latest\n", "b/Dockerfile": "FROM acme/a:latest\nFROM acme/b:latest\n"}
    bases = "bases:\n- {name: acme/a, dockerfile: a/Dockerfile}\n- {name: acme/b, dockerfile: b/Dockerfile}\n"
    project = await discover.project(repository({**texts, "baselard.yaml": bases}))
    assert substituted(project, texts) == {"a/Dockerfile": set(), "b/Dockerfile": {1}}


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("examples/a/Dockerfile", "examples/a/.hadolint.yaml"),
        ("examples/a/sub/Dockerfile", "examples/a/.hadolint.yaml"),
        ("examples/b/Dockerfile", "examples/b/.hadolint.yml"),
        ("examples/c/Dockerfile", ".hadolint.yaml"),
        ("Dockerfile", ".hadolint.yaml"),
    ],
)
def test_the_nearest_rules_hold(path, rules):
    there = [".hadolint.yaml", "examples/a/.hadolint.yaml", "examples/a/.hadolint.yml", "examples/b/.hadolint.yml"]
    assert hadolint.nearest(path, there) == rules
    assert hadolint.nearest(path, ["other/.hadolint.yaml"]) == ""


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
        "\nbaselard-goss d.yaml\n2026/11/28 04:47:01 template: test:3:20: "
        'executing "test" at <.Vars.x>: map has no entry for key "x"\nfailed\n'
    )
    bad, empty, asking = gossfiles.parse(printed)
    assert (str(asking.place), asking.message[:43]) == ("d.yaml:3", "asks for {{ .Vars.x }}, and x has no value:")
    assert (str(bad.place), bad.message) == ("b/goss.yaml:4", "yaml: line 4: did not find expected node content")
    assert (str(empty.place), empty.code) == ("c.yaml:1", "goss/empty")


@pytest.mark.parametrize(
    ("threshold", "verdict"), [("error", Verdict.NOTED), ("warning", Verdict.FAILED), ("style", Verdict.FAILED)]
)
def test_the_threshold_decides(threshold, verdict):
    assert Finding(Location("D", 1), "X", "warning", "m").case(threshold).verdict is verdict


def test_a_linter_that_breaks_is_not_a_pass():
    with pytest.raises(BaselardError, match="hadolint printed no JSON but: Segmentation"):
        document("hadolint", "Segmentation fault")


def test_clean_files_are_reported_too_and_findings_are_sorted():
    found = [Finding(Location("a", line), "X", "error", "m") for line in (9, 2)]
    first, second = suites(["a", "b"], found, "warning", Phase("lint", 0, 1))
    assert [case.place.line for case in first.cases] == [2, 9]
    assert [case.verdict for case in second.cases] == [Verdict.PASSED]
