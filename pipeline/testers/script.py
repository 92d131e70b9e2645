"""script: files and commands, run in the image; the exit code decides, and TAP, as bats prints it, makes cases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagger

from pipeline import spans
from pipeline.config.config import FILE, TestSettings
from pipeline.goss import files as gossfiles
from pipeline.goss.files import GossFiles
from pipeline.goss.results import Outcome
from pipeline.goss.run import Judging, beside
from pipeline.model import Case, Location, Verdict
from pipeline.testers import tap
from pipeline.testers.tester import Exam

CODE = "tester/script"
_LINES = 30
# In bats' words; the second may stand a line below the first, and is where the test itself is.
_BATS_PLACE = re.compile(r"in test file (?:\S*/)?\.goss-tests/(.+), line (\d+)\)")


@dataclass(frozen=True)
class Script:
    """One script: what it is called in reports, its path below what is mounted, and where it is written."""

    name: str
    path: str
    place: Location


class Scripts:
    """The tester `script`: by its conventions files of these names, by settings others and commands too."""

    name = "script"

    async def judge(self, exam: Exam) -> Outcome:
        scripts = tuple(of(exam.test, exam.paths))
        with spans.task("scripts", folded=True):
            judging = Judging("scripts", exam.nonce, lambda parts: tuple(_cases(scripts, parts)), exam.wait)
            return await beside(exam.image, exam.tools, _mounted(exam, scripts), exam.how, judging)


def of(test: TestSettings, paths: Sequence[str]) -> Iterator[Script]:
    """The files of a test, then its commands."""
    for path in paths:
        yield Script(path.rpartition("/")[2], path, Location(path))
    for number, command in enumerate(test.words, 1):
        yield Script(command.strip().partition("\n")[0], f"scripts-main-{number}", Location(FILE, test.line))


def _mounted(exam: Exam, scripts: Sequence[Script]) -> dagger.Directory:
    """The repository, so that a script finds what lies beside it, with the commands as scripts."""
    tree = exam.source
    for number, command in enumerate(exam.test.words, 1):
        tree = tree.with_new_file(f"scripts-main-{number}", f"{command}\n")
    lines = "".join(f"{exam.test.timeout} {script.path}\n" for script in scripts)
    files = GossFiles(tree.with_new_file("scripts-main", lines), (), **exam.waiting)
    return gossfiles.mount(files)


def _cases(scripts: Sequence[Script], parts: Mapping[str, str]) -> Iterator[Case]:
    for number, script in enumerate(scripts, 1):
        status, times, output = parts[f"script-{number}"].split("\n", 2)
        began, ended = map(float, times.split())
        yield from cases(script, status, ended - began, output.removesuffix("\n"))


def cases(script: Script, status: str, seconds: float, output: str) -> Iterator[Case]:
    """What one script's end and output say."""
    told = tap.parse(output) if status.isdigit() and tap.is_tap(output) else None
    if told is None:
        yield _case(script, script.name, _problem(status, output), seconds, _end(output))
        return
    yield from (_of_point(script, point) for point in told.points)
    if told.skipped:
        yield Case(script.name, Verdict.SKIPPED, message=told.skipped)
    if told.problem:
        yield _case(script, f"{script.name} plan", told.problem, seconds, _end(output))
    elif status != "0" and all(point.ok or point.directive for point in told.points):
        yield _case(script, script.name, f"exit code {status}, although every test of it passed", seconds, _end(output))


def _case(script: Script, name: str, problem: str, seconds: float, output: str) -> Case:
    if not problem:
        return Case(name, Verdict.PASSED, seconds)
    verdict = Verdict.ERROR if problem.startswith("cannot") else Verdict.FAILED
    return Case(name, verdict, seconds, problem, output, script.place, CODE)


def _problem(status: str, output: str) -> str:
    """One sentence; empty when it passed."""
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
    if status == "late":
        return f"was ended, not done in time; `timeout` of this test in {FILE} allows more{f': {last}' if last else ''}"
    if status.startswith("lacks "):
        return f"cannot run: it needs {status.removeprefix('lacks ')}, which this image does not have"
    return "" if status == "0" else f"exit code {status}{f': {last}' if last else ''}"


def _end(output: str) -> str:
    return "\n".join(output.splitlines()[-_LINES:])


def _of_point(script: Script, point: tap.Point) -> Case:
    name = point.name or f"{script.name} {point.number}"
    if point.directive == "skip":
        return Case(name, Verdict.SKIPPED, message=point.reason)
    if point.directive == "todo":
        state = "passes although it is marked todo" if point.ok else "is to be done"
        return Case(name, Verdict.NOTED, message=f"{state}: {point.reason}".removesuffix(": "))
    if point.ok:
        return Case(name, Verdict.PASSED)
    where = _BATS_PLACE.search(point.detail)
    place = Location(where[1], int(where[2])) if where else script.place
    return Case(name, Verdict.FAILED, 0, _said(point.detail), point.detail, place, CODE)


def _said(detail: str) -> str:
    """The line that tells why: below bats' own about the place, else the first."""
    lines = [line.strip() for line in detail.splitlines() if line.strip(" -.")]
    return next((line for line in lines if not line.startswith(("(", "in test file", "from function"))), "not ok")
