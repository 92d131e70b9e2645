"""What a script's end and output become. bats' output is recorded of bats 1.11.1."""

import pytest

from pipeline.config.config import TestSettings
from pipeline.model import Location
from pipeline.testers import script
from pipeline.testers.script import Script

ONE = Script("test.sh", "examples/a/test.sh", Location("examples/a/test.sh"))
LATE = "was ended, not done in time; `timeout` of this test in baselard.yaml allows more"
BATS = """\
1..3
ok 1 there is a shell
not ok 2 the answer is right
# (in test file /.goss-tests/examples/a/tests/a.bats, line 6)
#   `[ "$(answer)" = 42 ]' failed
ok 3 the net is there # skip no network here
"""


def told(status: str, output: str):
    return [
        (case.name, str(case.verdict), case.message, str(case.place or ""))
        for case in script.cases(ONE, status, 1.5, output)
    ]


@pytest.mark.parametrize(
    ("status", "output", "verdict", "message"),
    [
        ("0", "fine\n", "passed", ""),
        ("3", "one\ntwo\n\n", "failed", "exit code 3: two"),
        ("1", "", "failed", "exit code 1"),
        ("late", "waiting\nfor Godot\n", "failed", f"{LATE}: for Godot"),
        ("late", "1..2\nok 1 a\n", "failed", f"{LATE}: ok 1 a"),
        ("lacks /bin/bash", "", "error", "cannot run: it needs /bin/bash, which this image does not have"),
    ],
)
def test_the_exit_code_decides(status, output, verdict, message):
    ((name, said, why, place),) = told(status, output)
    assert (name, said, why) == ("test.sh", verdict, message)
    assert place == ("" if verdict == "passed" else "examples/a/test.sh")


def test_the_last_lines_are_kept():
    (case,) = script.cases(ONE, "late", 1, "\n".join(map(str, range(100))))
    assert (case.detail.splitlines()[0], case.detail.splitlines()[-1], case.seconds) == ("70", "99", 1)


def test_each_test_of_bats_is_a_case_at_its_own_line():
    assert told("1", BATS) == [
        ("there is a shell", "passed", "", ""),
        ("the answer is right", "failed", '`[ "$(answer)" = 42 ]\' failed', "examples/a/tests/a.bats:6"),
        ("the net is there", "skipped", "no network here", ""),
    ]


def test_a_plan_that_does_not_add_up_fails_with_its_sentence():
    assert told("0", "1..2\nok 1 a\n")[1:] == [
        ("test.sh plan", "failed", "its plan is 2 tests and 1 ran", "examples/a/test.sh")
    ]


def test_an_exit_code_counts_although_all_tests_passed():
    assert told("4", "1..1\nok 1 a\n")[1][2] == "exit code 4, although every test of it passed"
    assert len(told("1", "1..1\nnot ok 1 a\n")) == 1


def test_what_is_to_be_done_is_noted_and_a_plan_of_nothing_skips():
    assert told("0", "1..1\nnot ok 1 a # TODO later\n") == [("a", "noted", "is to be done: later", "")]
    assert told("0", "1..0 # SKIP no docker\n") == [("test.sh", "skipped", "no docker", "")]


def test_commands_stand_in_the_configuration():
    test = TestSettings("script", ("test.sh",), words=("true\nfalse",), line=7)
    assert list(script.of(test, ["examples/a/test.sh"])) == [
        ONE,
        Script("true", "scripts-main-1", Location("baselard.yaml", 7)),
    ]
