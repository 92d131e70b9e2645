"""pytest: test files that look at the image from within, by a Python that is mounted; the image needs none."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import dagger

from pipeline import spans
from pipeline.config.config import FILE
from pipeline.goss import files as gossfiles
from pipeline.goss.files import GossFiles
from pipeline.goss.results import Outcome
from pipeline.goss.run import Judging, beside
from pipeline.model import Case, Location, Verdict
from pipeline.testers.pytest import junit, tool
from pipeline.testers.tester import Exam

_PASSED, _NONE = "0", "5"  # of pytest's exit codes


class PythonTests:
    """The tester `pytest`: all of its files are one session of it."""

    name = "pytest"

    async def judge(self, exam: Exam) -> Outcome:
        python = await tool.known(await exam.image.platform())
        image = exam.image.with_mounted_directory("/.pytest", python)
        with spans.task(self.name, folded=True):
            judging = Judging(self.name, exam.nonce, partial(cases, exam.paths[0]), exam.wait)
            return await beside(image, exam.tools, _mounted(exam), exam.how, judging)


def _mounted(exam: Exam) -> dagger.Directory:
    """The repository, so that tests find what lies beside them, with the list of what is asked for."""
    lines = "\n".join([str(exam.test.timeout), *exam.paths])
    return gossfiles.mount(GossFiles(exam.source.with_new_file("pytest-main", f"{lines}\n"), (), **exam.waiting))


def cases(path: str, parts: Mapping[str, str]) -> tuple[Case, ...]:
    """The cases of its JUnit XML, and an exit code that this does not explain; `path` is the first of its files."""
    told = junit.cases(parts["junit"])
    status, said = parts["status"].strip(), junit.in_repository(parts["said"].strip())
    if status == _PASSED or any(case.verdict.bad for case in told):
        return told
    place = junit.deepest(said) or Location(path)
    return (*told, Case("pytest", Verdict.ERROR, 0, _problem(status, said), said, place, junit.CODE))


def _problem(status: str, said: str) -> str:
    if status == _NONE:
        return "collected no tests"
    last = next((line.removeprefix("E ").strip() for line in reversed(said.splitlines()) if line.strip()), "")
    if status == "late":
        return f"was ended, not done in time; `timeout` of this test in {FILE} allows more{f': {last}' if last else ''}"
    return f"exit code {status}{f': {last}' if last else ''}"
