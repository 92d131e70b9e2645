"""basic: what any image must hold, for one that says nothing of itself."""

from __future__ import annotations

from pipeline.goss import basic
from pipeline.goss.results import Outcome
from pipeline.testers.tester import Exam


class Basic:
    """The tester `basic`, which is taken where an image has no tests."""

    name = "basic"

    async def judge(self, exam: Exam) -> Outcome:
        return await basic.attempt(exam.image, exam.tools, exam.readiness, exam.how, exam.nonce)
