"""Reports of several runners become the one of a single machine."""

import dataclasses
import json

import pytest

from pipeline.discovery.distribution import Job, render
from pipeline.errors import BaselardError
from pipeline.joined import Expected, expected, join, of_platform
from pipeline.model import Attempt, Case, Location, Phase, Quarantine, Report, Suite, Verdict
from pipeline.report import record

AMD, ARM = "linux/amd64", "linux/arm64"


def suite(name, verdict=Verdict.PASSED, at=0.0):
    return Suite(name, (Case("c", verdict),), (Phase("test", at, at + 1),))


def report(*names, started="2026-01-01T00:00:00+00:00", seconds=2.0, platform=""):
    return of_platform(Report("test-examples", tuple(suite(name) for name in names), started, seconds), platform)


def names(joined):
    return [one.name for one in joined.suites]


def test_a_report_survives_its_journey_whole():
    case = Case("c", Verdict.FLAKY, 0.5, "m", "d", Location("Dockerfile", 3), "DL1", "https://example.com")
    quarantine = Quarantine("why", "https://example.com", "2030-01-01")
    earlier = (Attempt((case,), 0.5, "earlier log"),)
    suite = Suite("s", (case,), (Phase("b", 0, 1),), "log", quarantine, {"attempts": 2}, earlier, "lint", "example")
    whole = Report("t", (suite,), "x", 1, {"k": 1})
    defaults = (Report("t", ()), Suite("s", ()), Case("c", Verdict.PASSED), Attempt(()))
    for full, empty in zip((whole, suite, case, *earlier), defaults, strict=True):
        rest = [field.name for field in dataclasses.fields(full)[2:]]  # type: ignore[arg-type]
        assert not [name for name in rest if getattr(full, name) == getattr(empty, name)], "not put to the test"
    assert record.parse(record.render(whole)) == whole


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"title": "t", "suites": [{"name": 1}]}', '{"suites": [], "a": 1}'])
def test_what_is_no_report_is_refused_by_name(text):
    with pytest.raises(BaselardError, match=r"x/report\.json is not a report"):
        record.parse(text, "x/report.json")


def test_suites_come_in_the_order_of_the_project_and_on_one_clock():
    build = report("base (build)")
    later = report("a", started="2026-01-01T00:00:10+00:00", seconds=5)
    joined = join([report("b"), later, build], [], ["a", "b"])
    assert names(joined) == ["base (build)", "a", "b"]
    assert (joined.started, joined.seconds) == ("2026-01-01T00:00:00+00:00", 15)
    assert joined.suites[1].spans == (Phase("test", 10, 11),)
    single = report("base (build)", "a", "b", seconds=15)
    assert dataclasses.replace(joined, suites=()) == dataclasses.replace(single, suites=())


def test_with_two_platforms_every_suite_says_its_own():
    reports = [report("a", platform=ARM), report("a", platform=AMD)]
    jobs = [Expected(("a",), AMD, "x"), Expected(("a",), ARM, "y")]
    assert names(join(reports, jobs, ["a"])) == [f"a ({AMD})", f"a ({ARM})"]
    assert join(reports, jobs, ["a"]).outputs == {}


@pytest.mark.parametrize("platform", ["", AMD])
def test_what_no_runner_reported_has_failed(platform):
    joined = join([report("a", platform=platform)], [Expected(("a", "b"), AMD, "ubuntu")], ["a", "b"])
    assert (names(joined), joined.failed) == (["a", "b"], True)
    assert "no report came from its runner (linux/amd64, ubuntu)" in joined.suites[1].cases[0].message


def test_a_base_that_does_not_build_is_the_reason():
    broken = Report("test-examples", (suite("base:dev (build)", Verdict.ERROR),), "2026-01-01T00:00:00+00:00", 1.0)
    joined = join([broken], [Expected(("a",), AMD, "ubuntu")], ["a"])
    assert joined.suites[1].cases[0].message == "not tested: base:dev (build) failed"


def test_when_every_runner_was_lost_the_plan_alone_is_a_failure():
    assert join([], [Expected(("a",), AMD, "ubuntu")], ["a"]).exit_code == 1
    with pytest.raises(BaselardError, match="nothing to join"):
        join([], [], ["a"])


def test_a_plan_is_what_the_matrix_prints():
    printed = render([Job(("a", "b"), AMD, "ubuntu", 2)])
    assert expected(printed) == [Expected(("a", "b"), AMD, "ubuntu")]
    assert json.loads(printed)["builds"]["include"] == [{"platform": AMD, "runner": "ubuntu", "examples": "a,b"}]


@pytest.mark.parametrize("text", ["x", "{}", '{"matrix": []}', '{"matrix": {"include": [{"example": 1}]}}'])
def test_another_text_is_no_plan(text):
    with pytest.raises(BaselardError, match="is not what the function matrix printed"):
        expected(text)
