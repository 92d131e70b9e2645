"""Tag rules against recorded answers of docker/metadata-action itself.

metadata_action.json holds inputs with what the action (v6 of July 2026, run by node) `gives`, null where it refuses:
first a table made for the purpose, then random combinations. The commit is of 2024-02-29T23:30:05Z. With `refused`,
Baselard says no where the action's answer would be a mistake, and these words are in the reason;
docs/how-to/publishing.md lists the kinds.
"""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones

import pytest

from pipeline.errors import UsageError
from pipeline.tags import rules
from pipeline.tags.events import Event
from pipeline.tags.produce import produce

CASES = json.loads(Path(__file__).with_name("metadata_action.json").read_text())
# How many of them are refused, by reason: what is refused beyond these has to be looked at.
REFUSED = {
    "which is not a tag": 18,
    "would move `latest`": 12,
    "is not known here": 9,
    "there is no": 5,
    "must be a number": 4,
    "unknown attribute": 2,
    "belongs to a prefix": 2,
    "no groups": 2,
    "around a whole attribute": 1,
    "second =": 1,
}


def produced(case):
    event = Event(
        case["ref"],
        "0123456789abcdef0123456789abcdef01234567",
        case.get("event", "push"),
        base_ref=case.get("base", ""),
        now=datetime(2026, 11, 28, tzinfo=UTC),
        commit_time=datetime(2024, 2, 29, 23, 30, 5, tzinfo=UTC),
    )
    return list(produce(rules.parse(case["tags"]), rules.parse_flavor(case.get("flavor", ())), event).names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['ref']} {' '.join(case['tags'])}"[:100])
def test_the_action_agrees(case):
    if "'CET'" in str(case["tags"]) and "CET" not in available_timezones():
        pytest.skip("needs the older names of time zones: apt-get install tzdata-legacy")
    if case["gives"] is None or "refused" in case:
        with pytest.raises(UsageError, match=re.escape(case.get("refused", "")) or None):
            produced(case)
    else:  # a tag that the action names twice is there once
        assert produced(case) == list(dict.fromkeys(case["gives"]))


def test_what_is_refused_is_counted():
    assert Counter(case["refused"] for case in CASES if "refused" in case) == REFUSED
