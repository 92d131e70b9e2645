"""Which testers judge an example, and by which of its files; needs no engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.config import TestSettings
from pipeline.conventions import ASKED_FOR, BASIC, TESTS, matches


def chosen(given: Sequence[TestSettings], names: Sequence[str]) -> tuple[TestSettings, ...]:
    """The tests of an example with these files: those given, else by convention, else the basic test."""
    if given:
        return tuple(one if one.given else replace(one, files=fitting(one.tester, names)) for one in given)
    by_convention = [TestSettings(tester, fitting(tester, names)) for tester in TESTS if tester not in ASKED_FOR]
    return tuple([one for one in by_convention if one.files] or [TestSettings(BASIC)])


def fitting(tester: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those names that are tests by the tester's conventions."""
    return tuple(name for name in sorted(names) if any(matches(name, pattern) for pattern in TESTS.get(tester, ())))
