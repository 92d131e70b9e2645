"""Which testers judge an image, and by which of its files; needs no engine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from pipeline.config.config import FILE, TestSettings
from pipeline.conventions import ASKED_FOR, BASIC, TESTS, matches


def chosen(given: Sequence[TestSettings], names: Sequence[str]) -> tuple[TestSettings, ...]:
    """The tests of an image with these files: those given, else by convention, else the basic test."""
    if given:
        return tuple(one if one.given else replace(one, files=fitting(one.tester, names)) for one in given)
    by_convention = [TestSettings(tester, fitting(tester, names)) for tester in TESTS if tester not in ASKED_FOR]
    return tuple([one for one in by_convention if one.files] or [TestSettings(BASIC)])


def fitting(tester: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those names that are tests by the tester's conventions."""
    return tuple(name for name in sorted(names) if any(matches(name, pattern) for pattern in TESTS.get(tester, ())))


def of_target(tests: Sequence[TestSettings], target: str, targets: Sequence[str]) -> tuple[TestSettings, ...]:
    """The tests of one of an image's targets: all but the files that are named for another target."""
    others = {name for name in targets if name != target}
    own = [replace(one, files=tuple(name for name in one.files if _stem(name) not in others)) for one in tests]
    left = [one for one, all_ in zip(own, tests, strict=True) if one.given or not all_.given]
    return tuple(left) or (TestSettings(BASIC),)


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def missing(tests: Sequence[TestSettings], directory: str, names: Collection[str]) -> str:
    """A sentence about tests that are to be files of this directory, which has none such; empty where all are there."""
    for test in tests:
        for name in test.files:
            if name not in names:
                return f"{FILE}:{test.line}: there is no {PurePosixPath(directory, name)}, which is to be a test"
        if test.tester in TESTS and not test.given:
            usual = ", ".join(TESTS[test.tester])
            return f"{FILE}:{test.line}: {test.tester} finds no test in {directory}: there is none of {usual}"
    return ""
