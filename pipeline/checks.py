"""Testing images: build, run the gossfiles or the basic test, and turn whatever happens into a suite."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial

import anyio
import dagger

from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.together import each
from pipeline import spans
from pipeline.attempts import settled
from pipeline.clock import Clock
from pipeline.config.config import Config, QuarantineSettings, TestSettings
from pipeline.conventions import BASIC, GOSS_WAIT
from pipeline.discovery.changes import Changed
from pipeline.errors import BaselardError, UsageError
from pipeline.failures import Locate, case_of
from pipeline.goss import ready
from pipeline.goss.ready import Readiness
from pipeline.goss.results import Outcome
from pipeline.goss.run import How
from pipeline.images import Images, title
from pipeline.model import BUILT, WAITING, Attempt, Case, Phase, Quarantine, Report, Suite, Verdict
from pipeline.project import Base, Example, base_of
from pipeline.testers.tester import Exam


@dataclass(frozen=True)
class CheckOptions:
    """How a test call goes about it. `timeout` is the seconds one image may take in all.

    `nonce` makes every verdict a new one; equal nonces may reuse cached ones. Those named `first` begin first.
    """

    jobs: int = 8
    retries: int = 0
    timeout: float = 1800
    fail_fast: bool = False
    first: Sequence[str] = ()
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class Subject:
    """An image to test: how to get it, and how to judge it once; `wait` ends when what it starts from is there.

    `about` is the image as spans name it, if not by `name`; `locate` finds the line of a command that failed; `kind` is
    that of its suite.
    """

    name: str
    build: Callable[[], Awaitable[dagger.Container]]
    judge: Callable[[dagger.Container, str], Awaitable[Outcome]]
    quarantine: Quarantine | None = None
    wait: Callable[[], Awaitable[None]] | None = None
    about: str = ""
    locate: Locate | None = None
    kind: str = "example"


def of_example(example: Example, images: Images, source: dagger.Directory, tools: dagger.Directory) -> Subject:
    """The subject for one example, judged by all of its tests."""
    settings = example.settings
    locate = partial(images.runs.failed, example.name)

    async def judge(image: dagger.Container, nonce: str) -> Outcome:
        readiness = await ready.of(image)
        serves = readiness.declared or example.waits
        mode = settings.run or ("service" if serves else "tool")
        exam = Exam(
            image,
            tools,
            source,
            example.directory,
            How(mode, settings.wait, (*readiness.entrypoint, *readiness.arguments)),
            readiness,
            nonce,
            lambda stage: images.example(example, stage),
            locate,
            wait=f"{example.directory}/{GOSS_WAIT}" if example.waits else "",
            variables=settings.vars,
            vars_file=source.file(example.vars_file) if example.vars_file else None,
        )
        return await _judged(example.tests, exam)

    async def built() -> dagger.Container:
        return await ready.evaluated(await images.example(example))

    return Subject(
        example.name,
        built,
        judge,
        quarantined(settings.quarantine),
        wait=lambda: images.ready_for(example),
        locate=locate,
    )


async def _judged(tests: Sequence[TestSettings], exam: Exam) -> Outcome:
    from pipeline.testers import known  # most calls test nothing

    return await known.judge(tests, exam)


def of_base(base: Base, target: str, images: Images, source: dagger.Directory, tools: dagger.Directory) -> Subject:
    """The subject for one target of a base, whose tests run through its entrypoint."""
    settings, name, tests = base.settings, title(base, target), base.tests_of(target)
    own = any(test.tester != BASIC for test in tests)
    locate = partial(images.runs.failed, name)

    async def judge(image: dagger.Container, nonce: str) -> Outcome:
        readiness = await ready.of(image)
        mode = settings.run or ("entrypoint" if readiness.entrypoint else "tool")
        exam = Exam(
            image,
            tools,
            source,
            "",
            How(mode if own else "tool", settings.wait, (*readiness.entrypoint, *readiness.arguments)),
            readiness if own else Readiness(entrypoint=readiness.entrypoint),
            nonce,
            lambda stage: images.stage(base, target, stage),
            locate,
            wait=base.wait,
            variables=settings.vars,
            vars_file=source.file(settings.vars.file) if settings.vars.file else None,
            is_base=True,
        )
        return await _judged(tests, exam)

    return Subject(name, lambda: images.base(base, target), judge, locate=locate, kind="base")


def meant(examples: Sequence[Example], bases: Sequence[Base]) -> dict[str, tuple[Base, str]]:
    """The bases and targets that these examples start from, by title."""
    owners = (base_of(from_.reference, bases) for example in examples for from_ in example.froms)
    return {title(*one): one for one in owners if one}


def build_name(title_: str) -> str:
    """The name of the suite about a base's build."""
    return f"{title_}{BUILT}"


def bases_of(wanted: Mapping[str, tuple[Base, str]], images: Images) -> list[Subject]:
    """A subject for each base, by title: that it builds, and how long that takes."""

    async def judge(_image: dagger.Container, _nonce: str) -> Outcome:
        return Outcome((Case("builds", Verdict.PASSED),))

    def built(name: str, one: tuple[Base, str]) -> Subject:
        locate = partial(images.runs.failed, name)
        return Subject(build_name(name), partial(images.base, *one), judge, about=name, locate=locate, kind="build")

    return [built(name, one) for name, one in wanted.items()]


async def check_all(title: str, subjects: Sequence[Subject], options: CheckOptions, clock: Clock) -> Report:
    """Test all subjects, a few at a time. All are reported, in the given order, even when some fail."""
    done: dict[str, Suite] = {}
    limiter = anyio.CapacityLimiter(options.jobs)

    with anyio.CancelScope() as scope:

        async def one(subject: Subject) -> None:
            waited: list[Phase] = []
            with spans.of(subject.about or subject.name) as span:
                if subject.wait:  # without taking a place from those who have something to do
                    with clock.span(WAITING, waited):
                        await subject.wait()
                async with limiter:
                    told = await suite(subject, options, clock)
                done[subject.name] = replace(told, spans=(*waited, *told.spans))
                spans.settle(span, told)
            if options.fail_fast and done[subject.name].blocks:
                scope.cancel()

        await each(sorted(subjects, key=lambda subject: subject.name not in options.first), one)
    suites = tuple(done.get(subject.name) or _not_run(subject) for subject in subjects)
    return Report(title, suites, clock.started, clock.now())


def _not_run(subject: Subject) -> Suite:
    case = Case("tests", Verdict.SKIPPED, message="not run: an earlier failure ended the call (--fail-fast)")
    return Suite(subject.name, (case,), quarantine=subject.quarantine, kind=subject.kind)


def unchanged(example: Example, changed: Changed) -> Suite:
    """The suite of an example that a change does not touch."""
    case = Case("tests", Verdict.SKIPPED, message=f"unchanged since {changed.since}")
    return Suite(example.name, (case,), quarantine=quarantined(example.settings.quarantine), kind="example")


def elsewhere(example: Example) -> Suite:
    """The suite of an example that cannot be built for the call's platform."""
    case = Case("tests", Verdict.SKIPPED, message=f"only for {', '.join(example.settings.platforms)}")
    return Suite(example.name, (case,), quarantine=quarantined(example.settings.quarantine))


def unknown_range(changed: Changed) -> Suite:
    """Says that all examples are tested because nobody knows what changed."""
    message = f"all are tested: what changed since {changed.since} is not known: {changed.reason}"
    return Suite("changes", (Case("range", Verdict.NOTED, message=message),))


@dataclass(frozen=True)
class _Course:
    """The state of a subject so far; kept when something ends it early."""

    spans: list[Phase] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    def suite(self, subject: Subject, cases: tuple[Case, ...]) -> Suite:
        spans, attempts = tuple(self.spans), tuple(self.attempts)
        told = Suite(subject.name, cases, spans, quarantine=subject.quarantine, earlier=attempts)
        return replace(told, kind=subject.kind)


async def suite(subject: Subject, options: CheckOptions, clock: Clock) -> Suite:
    """Build and judge one image. Whatever goes wrong becomes a case that says what."""
    course = _Course()
    phase = "build"
    try:
        with anyio.fail_after(options.timeout):
            with clock.span("build", course.spans):
                image = await (await subject.build()).sync()
            phase = "tests"
            await _try(subject, image, options, clock, course)
    except TimeoutError:
        message = f"not done after {options.timeout:.0f} s; test.timeout in baselard.yaml allows more"
        failed = Case(phase, Verdict.ERROR, message=message)
    except (BaselardError, DockerfileError, dagger.QueryError) as error:
        failed = await case_of(phase, error, subject.locate)
    else:
        *earlier, last = course.attempts
        done = course.suite(subject, settled(course.attempts))
        return replace(done, log=last.log, earlier=tuple(earlier))
    return course.suite(subject, (failed,))


async def _try(subject: Subject, image: dagger.Container, options: CheckOptions, clock: Clock, course: _Course) -> None:
    """Add attempts until one passes or there may be no more."""
    for number in range(1, options.retries + 2):
        with clock.span("test" if number == 1 else f"test, attempt {number}", course.spans):
            outcome = await subject.judge(image, f"{options.nonce}-{number}")
        span = course.spans[-1]
        course.attempts.append(Attempt(outcome.cases, span.end - span.start, outcome.log))
        if not course.attempts[-1].failures:
            return


def quarantined(settings: QuarantineSettings | None, today: date | None = None) -> Quarantine | None:
    """The quarantine of an example as of today (UTC)."""
    if settings is None:
        return None
    now = today or datetime.now(UTC).date()
    expired = now > date.fromisoformat(settings.until)
    return Quarantine(settings.reason, settings.link, settings.until, expired)


def options(  # noqa: PLR0913  # one flag, one argument
    config: Config,
    *,
    retries: int | None = None,
    jobs: int | None = None,
    fail_fast: bool = False,
    first: Sequence[str] = (),
    cached: bool = False,
) -> CheckOptions:
    """The call's setting, else that of the configuration."""
    chosen = CheckOptions(
        jobs=config.jobs if jobs is None else jobs,
        retries=config.retries if retries is None else retries,
        timeout=config.timeout,
        fail_fast=fail_fast,
        first=first,
    )
    if chosen.jobs < 1 or chosen.retries < 0:
        raise UsageError("--jobs must be at least 1 and --retries at least 0")
    return replace(chosen, nonce="cached") if cached else chosen
