"""stage: building a stage of the image's Dockerfile is the test."""

from __future__ import annotations

import time
from dataclasses import replace

import dagger

from baselard.dockerfile.syntax.errors import DockerfileError
from pipeline import spans
from pipeline.failures import case_of
from pipeline.goss.results import Outcome
from pipeline.model import Case, Verdict
from pipeline.testers.tester import Exam

CODE = "tester/stage"


class Stages:
    """The tester `stage`. No file is one by convention: only settings know which stages are tests."""

    name = "stage"

    async def judge(self, exam: Exam) -> Outcome:
        return Outcome(tuple([await _built(exam, stage) for stage in exam.test.words]))


async def _built(exam: Exam, stage: str) -> Case:
    name, began = f"stage {stage}", time.monotonic()
    try:
        with spans.task(name):
            await (await exam.build(stage)).sync()
    except dagger.ExecError as error:
        failed = await case_of(name, error, exam.locate)
        return replace(failed, verdict=Verdict.FAILED, seconds=time.monotonic() - began, code=CODE)
    except (DockerfileError, dagger.QueryError) as error:
        return await case_of(name, error)
    return Case(name, Verdict.PASSED, time.monotonic() - began)
