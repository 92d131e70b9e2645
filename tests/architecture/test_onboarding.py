"""The newcomer's path: its files are there, at most eight, and hold what the page says to look at."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/explanation/onboarding.md").read_text()
STEPS = re.findall(r"^\| \d+ \| `([^`]+)` \| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)


def test_the_path_from_a_call_to_the_system_call_is_eight_files_at_most() -> None:
    assert 0 < len(STEPS) <= 8


def test_each_file_holds_what_to_look_at() -> None:
    missing = [
        (path, name)
        for path, names in STEPS
        for name in re.findall(r"\w+", names)
        if not re.search(rf"^\s*(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
    ]
    assert not missing


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:src|pipeline)/[\w/]+\.py)`", PAGE)
    assert named and not [path for path in named if not (ROOT / path).is_file()]
