"""What becomes of the cases of several attempts."""

from pipeline.attempts import settled
from pipeline.model import Attempt, Case, Verdict

OPEN, CLOSED = Case("port", Verdict.PASSED), Case("port", Verdict.FAILED, message="closed")
REFUSED = Case("port", Verdict.FAILED, message="refused")
FILE, NO_FILE = Case("file", Verdict.PASSED), Case("file", Verdict.FAILED, message="missing")


def told(*attempts):
    return [(case.name, str(case.verdict), case.message) for case in settled([Attempt(cases) for cases in attempts])]


def test_one_attempt_is_as_it_is():
    assert told((OPEN, NO_FILE)) == [("port", "passed", ""), ("file", "failed", "missing")]


def test_every_earlier_failure_counts_not_only_the_last():
    assert told((CLOSED, FILE), (OPEN, NO_FILE), (OPEN, FILE)) == [
        ("port", "flaky", "passed at attempt 3; failed at attempt 1: closed"),
        ("file", "flaky", "passed at attempt 3; failed at attempt 2: missing"),
    ]


def test_all_reasons_are_kept():
    message = "passed at attempt 3; failed at attempt 1: closed; failed at attempt 2: refused"
    assert told((CLOSED,), (REFUSED,), (OPEN,)) == [("port", "flaky", message)]


def test_what_was_never_ready_at_first_is_flaky_although_nothing_of_that_name_passed():
    never = Case("ready", Verdict.FAILED, message="never became ready")
    assert told((never,), (OPEN,))[1] == (
        "ready",
        "flaky",
        "passed at attempt 2; failed at attempt 1: never became ready",
    )


def test_a_failure_stays_a_failure():
    assert told((CLOSED, FILE), (CLOSED, FILE)) == [("port", "failed", "closed"), ("file", "passed", "")]
