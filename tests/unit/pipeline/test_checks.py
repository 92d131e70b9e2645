"""Building and judging images: whatever happens becomes a case, and the others go on."""

from dataclasses import dataclass, field
from datetime import date

import anyio
import pytest

from baselard.dockerfile.syntax.errors import DockerfileError, Place
from pipeline import checks
from pipeline.checks import CheckOptions, Subject
from pipeline.clock import Clock
from pipeline.config.config import Config, QuarantineSettings
from pipeline.errors import BaselardError
from pipeline.goss.results import Outcome
from pipeline.model import Case, Verdict

pytestmark = pytest.mark.anyio


@dataclass
class FakeImage:
    error: Exception | None = None

    async def sync(self):
        if self.error:
            raise self.error
        return self


@dataclass
class Judge:
    """Gives the outcomes in turn and counts."""

    outcomes: list[bool]
    nonces: list[str] = field(default_factory=list)

    async def __call__(self, image, nonce):
        self.nonces.append(nonce)
        good = self.outcomes[len(self.nonces) - 1]
        return Outcome((Case("port", Verdict.PASSED if good else Verdict.FAILED, message="" if good else "closed"),))


def subject(name, *outcomes, error=None):
    async def build():
        return FakeImage(error)

    return Subject(name, build, Judge(list(outcomes)))


async def run(*subjects, **options):
    return await checks.check_all("t", subjects, CheckOptions(**options), Clock())


async def test_all_are_reported_in_order_although_one_fails():
    report = await run(subject("a", True), subject("b", False), subject("c", True))
    assert [(s.name, s.verdict) for s in report.suites] == [("a", "passed"), ("b", "failed"), ("c", "passed")]
    assert report.failed


@pytest.mark.parametrize(
    "error",
    [
        BaselardError("examples/x/Dockerfile: starts FROM alpine\nmore"),
        DockerfileError("unknown instruction: FORM", Place("Dockerfile", 3)),
    ],
)
async def test_an_image_that_does_not_build_is_an_error_case(error):
    report = await run(subject("bad", error=error), subject("good", True))
    (case,) = report.suites[0].cases
    assert (case.name, case.verdict) == ("build", Verdict.ERROR)
    assert case.message in str(error)
    assert report.suites[1].verdict is Verdict.PASSED


async def test_a_bug_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        await run(subject("a", error=ZeroDivisionError()))


async def test_a_retried_pass_is_flaky_and_each_attempt_is_a_new_one():
    one = subject("a", False, True)
    report = await run(one, retries=2)
    (case,) = report.suites[0].cases
    assert (case.verdict, case.message) == (Verdict.FLAKY, "passed at attempt 2; failed at attempt 1: closed")
    assert len(set(one.judge.nonces)) == 2
    assert [span.phase for span in report.suites[0].spans] == ["build", "test", "test, attempt 2"]


async def test_a_test_that_keeps_failing_fails():
    one = subject("a", False, False)
    report = await run(one, retries=1)
    assert report.suites[0].verdict is Verdict.FAILED
    assert [attempt.failures[0].message for attempt in report.suites[0].earlier] == ["closed"]


async def test_two_calls_never_share_a_nonce_unless_asked():
    first, second = subject("a", True), subject("a", True)
    await run(first)
    await run(second)
    assert first.judge.nonces != second.judge.nonces
    assert checks.options(Config(), cached=True).nonce == checks.options(Config(), cached=True).nonce


async def test_fail_fast_ends_the_others_and_says_so():
    async def waits():
        await anyio.sleep_forever()

    waiting = Subject("b", waits, Judge([]))
    report = await run(subject("a", False), waiting, fail_fast=True)
    assert report.suites[1].cases[0].verdict is Verdict.SKIPPED
    assert "--fail-fast" in report.suites[1].cases[0].message


async def test_an_image_that_never_gets_done_is_given_up():
    async def waits():
        await anyio.sleep_forever()

    report = await run(Subject("slow", waits, Judge([])), timeout=0)
    (case,) = report.suites[0].cases
    assert case.verdict is Verdict.ERROR
    assert case.message == "not done after 0 s; test.timeout in baselard.yaml allows more"


async def test_no_more_than_jobs_run_at_a_time():
    running, most = 0, 0

    async def build():
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.lowlevel.checkpoint()
        running -= 1
        return FakeImage()

    await run(*(Subject(str(n), build, Judge([True])) for n in range(6)), jobs=2)
    assert most == 2


async def test_who_waits_for_a_base_takes_nobodys_place_and_no_time_of_its_own():
    built = anyio.Event()

    async def base():
        built.set()
        return FakeImage()

    async def build():
        return FakeImage()

    waiting = Subject("a", build, Judge([True]), wait=built.wait)
    report = await run(waiting, Subject("base", base, Judge([True])), jobs=1)
    suite = report.suites[0]
    assert [span.phase for span in suite.spans] == ["base", "build", "test"]
    assert suite.seconds == pytest.approx(sum(span.end - span.start for span in suite.spans[1:]))


@pytest.mark.parametrize("bad", [{"jobs": 0}, {"retries": -1}])
async def test_numbers_that_make_no_sense(bad):
    with pytest.raises(BaselardError, match="--jobs must be at least 1"):
        checks.options(Config(), **bad)


@pytest.mark.parametrize(("today", "expired"), [(date(2030, 1, 31), False), (date(2030, 2, 1), True)])
async def test_a_quarantine_includes_its_last_day(today, expired):
    assert checks.quarantined(QuarantineSettings("x", "2030-01-31"), today).expired is expired


async def test_those_named_first_begin_first_and_all_are_reported_in_order():
    begun = []

    def watched(name):
        async def build():
            begun.append(name)
            return FakeImage()

        return Subject(name, build, Judge([True]))

    report = await run(*map(watched, "abcd"), first=["c", "b", "unknown"], jobs=1)
    assert begun == ["b", "c", "a", "d"]
    assert [suite.name for suite in report.suites] == ["a", "b", "c", "d"]
