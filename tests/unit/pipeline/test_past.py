"""Earlier verdicts are read from what `baselard history --json` prints, and tell what is flaky."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from baselard.cli import past as printed
from baselard.engine.store.runs import Commit, Judgement, RecordedRun
from pipeline import past
from pipeline.errors import UsageError
from pipeline.past import EarlierVerdict

RUN = RecordedRun("/p", ("call",), 60.0, 2.0, 0, Commit("main", "ab" * 20), (Judgement("a", "passed", seconds=1.5),), 7)
GOOD = EarlierVerdict("passed", 7, datetime.fromtimestamp(60, UTC), 1.5, "ab" * 20, True)


def listed(*runs: RecordedRun) -> str:
    return json.dumps([printed.plain(one) for one in runs])


def test_what_history_prints_is_read() -> None:
    assert past.parse(listed(RUN)) == {"a": [GOOD]}
    changed = replace(RUN, tree=Commit("main", "ab" * 20, True))
    assert past.parse(listed(changed)) == {"a": [replace(GOOD, clean=False)]}
    assert past.parse("[]") == {}


def test_the_last_ten_of_each_name_the_oldest_first() -> None:
    runs = [replace(RUN, number=number) for number in range(20, 0, -1)]
    skipped = replace(RUN, number=99, judgements=(Judgement("a", "skipped"), Judgement("b", "error")))
    found = past.parse(listed(skipped, *runs))
    assert [one.number for one in found["a"]] == list(range(11, 21))
    assert [one.verdict for one in found["b"]] == ["error"]


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        ([], ""),
        ([GOOD, GOOD], ""),
        ([GOOD, replace(GOOD, verdict="flaky", number=8)], "passed at a later attempt in run 8"),
        ([GOOD, replace(GOOD, verdict="failed")], "passed and failed at ababababa"),
        ([replace(GOOD, verdict="error"), replace(GOOD, verdict="noted")], "passed and failed at ababababa"),
        ([GOOD, replace(GOOD, verdict="failed", clean=False)], ""),
        ([replace(GOOD, clean=False), replace(GOOD, verdict="failed")], ""),
        ([GOOD, replace(GOOD, verdict="failed", commit="cd" * 20)], ""),
    ],
)
def test_flaky_is_what_changed_without_a_change(verdicts: list[EarlierVerdict], why: str) -> None:
    assert past.unsteady(verdicts) == why


@pytest.mark.parametrize("text", ["", "{}x", '{"a": 1}', "[7]", '[{"judgements": [7]}]', "[" * 99_999, "7"])
def test_what_is_no_history_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="--past is not what `baselard history --json` prints"):
        past.parse(text)
    late = listed(replace(RUN, began=1e300))
    with pytest.raises(UsageError):
        past.parse(late)
