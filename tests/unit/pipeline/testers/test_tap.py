"""TAP as test programs print it. Judge: Perl's TAP::Parser, which `prove` goes by."""

import json
import shutil
import subprocess

import pytest

from pipeline.testers import tap

# The text, what is said of its plan, and why all of it was skipped.
TEXTS = {
    "plain": ("1..2\nok 1 - a\nnot ok 2 - b\n", "", ""),
    "without numbers": ("1..2\nok\nnot ok b\n", "", ""),
    "the plan last": ("TAP version 13\nok 1 a\nok 2 b\n1..2\n", "", ""),
    "directives": ("1..3\nok 1 a # SKIP no net\nnot ok 2 b # TODO later\nok 3 c # todo\n", "", ""),
    "an escaped mark": ("1..2\nok 1 - a \\# SKIP b\nok 2 - c # d\n", "", ""),
    "comments and other lines": ("# hello\n1..1\nnoise\nok 1 a\n# said\nokay then\n", "", ""),
    "a block": ("TAP version 13\n1..1\nnot ok 1 a\n  ---\n  message: why\n  ...\n", "", ""),
    "a subtest": ("1..1\n    1..2\n    ok 1 x\n    not ok 2 y\nnot ok 1 - parent\n", "", ""),
    "all skipped": ("1..0 # SKIP no docker here\n", "", "no docker here"),
    "too few": ("1..3\nok 1 a\nok 2 b\n", "its plan is 3 tests and 2 ran", ""),
    "too many": ("1..1\nok 1 a\nok 2 b\n", "its plan is 1 test and 2 ran", ""),
    "no plan": ("ok 1 a\n", "it has no plan (1..N), so nobody knows whether it ended early", ""),
    "two plans": ("1..1\nok 1 a\n1..1\n", "it has several plans", ""),
    "out of order": ("1..2\nok 2 a\nok 1 b\n", "its result 1 is numbered 2", ""),
    "bailed out": ("1..3\nok 1 a\nBail out! no disk\n", "it bailed out: no disk", ""),
}
PROGRAM = """
use TAP::Parser; use JSON::PP; local $/; my $p = TAP::Parser->new({tap => <STDIN>}); my $bail = 0;
while (my $r = $p->next) { $bail = 1 if $r->is_bailout }
print encode_json({failed => [map {$_+0} $p->actual_failed], skipped => [map {$_+0} $p->skipped],
  todo => [map {$_+0} $p->todo], ran => $p->tests_run+0, sound => ($bail || $p->parse_errors) ? 0 : 1});
"""


@pytest.mark.parametrize("name", TEXTS)
def test_the_plan_adds_up_or_says_why_not(name):
    text, problem, skipped = TEXTS[name]
    told = tap.parse(text)
    assert (told.problem, told.skipped) == (problem, skipped)


@pytest.mark.skipif(not shutil.which("perl"), reason="there is no perl, whose TAP::Parser is the judge")
@pytest.mark.parametrize("name", TEXTS)
def test_perls_parser_sees_the_same(name):
    text = TEXTS[name][0]
    done = subprocess.run(["perl", "-e", PROGRAM], input=text, capture_output=True, text=True, check=True)
    judged, told = json.loads(done.stdout), tap.parse(text)
    assert judged == {
        "failed": [point.number for point in told.points if not point.ok],
        "skipped": [point.number for point in told.points if point.directive == "skip"],
        "todo": [point.number for point in told.points if point.directive == "todo"],
        "ran": len(told.points),
        "sound": int(not told.problem),
    }


def test_a_directive_is_one_whatever_its_word_ends_in():
    """Of the specification (skip\\S*), where Perl's parser wants the bare word."""
    assert tap.parse("1..1\nok 1 d # Skipped: no net\n").points[0].directive == "skip"


def test_names_and_what_was_said_of_them_belong_together():
    first, second = tap.parse(TEXTS["an escaped mark"][0]).points
    assert (first.name, first.directive, second.name) == ("a # SKIP b", "", "c # d")
    skipped, todo, *_ = tap.parse(TEXTS["directives"][0]).points
    assert (skipped.name, skipped.reason, todo.reason) == ("a", "no net", "later")
    assert tap.parse(TEXTS["a block"][0]).points[0].detail == " ---\n message: why\n ..."


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        *(("1..1\nok 1\n", True), ("ok 1\n1..1\n", True), ("TAP version 14\n", True), ("# x\n1..2\n", True)),
        *(("", False), ("ok\n", False), ("all is ok\n", False), ("see 1..2\n", False), ("1..2\nand more\n", True)),
    ],
)
def test_what_is_taken_for_tap(text, is_it):
    assert tap.is_tap(text) is is_it
