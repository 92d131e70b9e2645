"""basic: what any image must hold, for one that says nothing of itself."""

from __future__ import annotations

from dataclasses import replace

from pipeline.goss import basic
from pipeline.goss.results import Outcome
from pipeline.testers.tester import Exam


class Basic:
    """The tester `basic`, which is taken where an image has no tests."""

    name = "basic"

    async def judge(self, exam: Exam) -> Outcome:
        """Of a base with an entrypoint also whether that leaves room for others' commands."""
        told = await basic.attempt(exam.image, exam.tools, exam.readiness, exam.how, exam.nonce)
        if not exam.is_base or not exam.readiness.entrypoint:
            return told
        return replace(told, cases=(*told.cases, await basic.overridden(exam.image, exam.tools, exam.nonce)))
