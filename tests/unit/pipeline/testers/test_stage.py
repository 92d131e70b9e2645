"""Building a stage as a test, by an engine that is not there."""

from types import SimpleNamespace

import dagger
import pytest
from dagger._exceptions import QueryErrorValue

from pipeline.config.config import TestSettings
from pipeline.errors import BaselardError
from pipeline.goss.ready import Readiness
from pipeline.goss.run import How
from pipeline.model import Location
from pipeline.testers import known
from pipeline.testers.tester import Exam

pytestmark = pytest.mark.anyio
DOCKERFILE = "FROM debian AS app\n\nFROM app AS Unit\nRUN false\nFROM app\n"


class Image:
    def __init__(self, error=None):
        self.error = error

    async def sync(self):
        if self.error:
            raise self.error
        return self


def failed() -> Exception:
    said = {"_type": "EXEC_ERROR", "cmd": ["npm", "test"], "exitCode": 2, "stdout": "one\n", "stderr": "two\n"}
    return dagger.QueryError([QueryErrorValue("failed", extensions=said)], SimpleNamespace(document=None))  # type: ignore[arg-type]


async def judged(repository, *stages, error=None):
    async def build(stage):
        if stage == "refused":
            raise BaselardError("Dockerfile:9: no stage is called refused")
        return Image(error if stage == "unit" else None)

    async def located(failed):
        return Location("a/Dockerfile", 4)

    source = repository({"a/Dockerfile": DOCKERFILE})
    exam = Exam(None, None, source, "a", How(), Readiness(), "n", build, located)
    return (await known.judge([TestSettings("stage", words=stages)], exam)).cases


async def test_what_builds_passes(repository):
    assert [(case.name, str(case.verdict)) for case in await judged(repository, "unit")] == [("stage unit", "passed")]


async def test_what_does_not_fails_at_its_line_with_its_output(repository):
    (case,) = await judged(repository, "unit", error=failed())
    assert (str(case.verdict), str(case.place)) == ("failed", "a/Dockerfile:4")
    assert (case.message, case.detail) == ("exit code 2: RUN npm test", "one\ntwo")


async def test_a_stage_that_cannot_be_built_at_all_is_an_error(repository):
    (case,) = await judged(repository, "refused")
    assert (str(case.verdict), case.message) == ("error", "Dockerfile:9: no stage is called refused")
