"""Each reason why a test is for root alone is named once in the tests, and to those who run them without root."""

import re
from pathlib import Path

from tests import alone

ROOT = Path(__file__).parents[3]
REASONS = [str(mark.args[0]) for name, mark in vars(alone).items() if name.isupper()]


def test_the_page_names_them_all_and_no_other() -> None:
    page = (ROOT / "docs/how-to/rootless.md").read_text()
    section = page.partition("## The tests without root")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[1:]) == sorted(REASONS)


def test_they_stand_nowhere_else() -> None:
    said = [path for path in (ROOT / "tests").rglob("*.py") if "mark.root(" in path.read_text()]
    assert [path.name for path in said if path != Path(__file__)] == ["alone.py"]
