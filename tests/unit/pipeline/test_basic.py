"""The basic test's output."""

from pipeline.goss.basic import outcome
from pipeline.model import Verdict


def test_cases():
    printed = (
        "\nM cases\npass\tuser exists\t\nfail\thome is writable\tcannot write\n-\tshell starts\tno shell\n\nM end\n"
    )
    assert [(case.verdict, case.message) for case in outcome(printed, "M").cases] == [
        (Verdict.PASSED, ""),
        (Verdict.FAILED, "cannot write"),
        (Verdict.SKIPPED, "no shell"),
    ]


def test_a_test_that_did_not_end_is_an_error():
    (case,) = outcome("\nM cases\n", "M", "killed").cases
    assert (case.verdict, case.detail) == (Verdict.ERROR, "killed")
