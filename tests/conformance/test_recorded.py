"""What a Dagger engine 0.21.8 answered, against what the cases expect: neither drifts from the other unseen.

The embedded engine is asked the cases themselves (test_cases.py), so whatever it answers otherwise than was recorded
is a case marked ``deliberate``, with its reason.
"""

import pytest

from tests.conformance import recording
from tests.conformance.cases import CASES, check

RECORDED = recording.read()


@pytest.mark.parametrize("name", RECORDED)
def test_a_case_expects_what_was_recorded(name: str) -> None:
    case, recorded = CASES[name], RECORDED[name]
    asked = {key: case[key] for key in ("query", "given") if key in case}
    assert asked == {key: recorded[key] for key in asked}, "the case asks something else now: record it again"
    if "deliberate" in case:
        with pytest.raises(AssertionError):
            check(case, recording.replay(recorded), recording.STAND_INS)
    else:
        check(case, recording.replay(recorded), recording.STAND_INS)


def test_every_difference_was_recorded() -> None:
    assert not {name for name, case in CASES.items() if "deliberate" in case} - set(RECORDED)
