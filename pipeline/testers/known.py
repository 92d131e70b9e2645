"""The testers that there are; a new one is a file beside this and a line here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.config.config import TestSettings
from pipeline.errors import BaselardError
from pipeline.failures import case_of
from pipeline.goss.results import Outcome
from pipeline.testers.basic import Basic
from pipeline.testers.goss import Goss
from pipeline.testers.pytest.tester import PythonTests
from pipeline.testers.script import Scripts
from pipeline.testers.stage import Stages
from pipeline.testers.structure.tester import StructureTests
from pipeline.testers.tester import Exam, Tester

TESTERS: tuple[Tester, ...] = (Goss(), StructureTests(), Scripts(), PythonTests(), Stages(), Basic())
"""By name, which is what settings and `pipeline.conventions.TESTS` call them by."""


async def judge(tests: Sequence[TestSettings], exam: Exam) -> Outcome:
    """What all these tests say, one after the other; one that cannot be read is a case beside the others'."""
    outcomes = [await _judge(test, exam) for test in tests]
    cases = tuple(case for outcome in outcomes for case in outcome.cases)
    return Outcome(cases, "\n".join(outcome.log for outcome in outcomes if outcome.log))


async def _judge(test: TestSettings, exam: Exam) -> Outcome:
    tester = next(one for one in TESTERS if one.name == test.tester)
    try:
        return await tester.judge(replace(exam, test=test))
    except BaselardError as error:
        return Outcome((await case_of(test.tester, error),))
