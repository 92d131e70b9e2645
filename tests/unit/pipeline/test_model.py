"""Verdicts of wholes from those of their parts."""

import pytest

from pipeline.model import Case, Location, Quarantine, Report, Suite, Verdict, merge, worst


def suite(*verdicts, name="x", quarantine=None):
    return Suite(name, tuple(Case(str(v), v) for v in verdicts), quarantine=quarantine)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], Verdict.SKIPPED),
        ([Verdict.PASSED, Verdict.SKIPPED], Verdict.PASSED),
        ([Verdict.PASSED, Verdict.FLAKY], Verdict.FLAKY),
        ([Verdict.FAILED, Verdict.FLAKY], Verdict.FAILED),
        ([Verdict.FAILED, Verdict.ERROR], Verdict.ERROR),
    ],
)
def test_the_worst_part_decides(parts, whole):
    assert worst(parts) is whole


def test_a_quarantined_failure_does_not_block_until_it_expires():
    running = Quarantine("slow mirror", "", "2030-01-01")
    over = Quarantine("slow mirror", "", "2020-01-01", expired=True)
    assert not Report("t", (suite(Verdict.FAILED, quarantine=running),)).failed
    assert Report("t", (suite(Verdict.FAILED, quarantine=over),)).failed


def test_flaky_and_noted_do_not_block():
    assert Report("t", (suite(Verdict.FLAKY, Verdict.NOTED),)).exit_code == 0


def test_merging_keeps_all_suites_and_the_longest_time():
    one = Report("a", (suite(Verdict.PASSED),), "2026-01-02", 3.0, {"x": 1})
    two = Report("b", (suite(Verdict.FAILED),), "2026-01-01", 1.0, {"y": 2})
    both = merge("all", [one, two])
    assert (len(both.suites), both.failed, both.seconds, both.started) == (2, True, 3.0, "2026-01-01")
    assert both.outputs == {"x": 1, "y": 2}


def test_a_place_shows_what_is_known():
    assert [str(Location("a")), str(Location("a", 3)), str(Location("a", 3, 4))] == ["a", "a:3", "a:3:4"]
