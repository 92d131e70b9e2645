"""Which testers judge an image, and what becomes of what they say."""

import pytest

from pipeline.config.config import TestSettings
from pipeline.errors import ConfigError
from pipeline.goss import run
from pipeline.goss.ready import Readiness
from pipeline.goss.results import Outcome
from pipeline.goss.run import How
from pipeline.model import Case, Verdict
from pipeline.testers import choose, known, tester
from pipeline.testers.goss import Goss
from pipeline.testers.tester import Exam

pytestmark = pytest.mark.anyio


class Judge:
    """A tester that says what it is told to, and keeps what it was given."""

    files = ()

    def __init__(self, name: str, said: Outcome | Exception) -> None:
        self.name, self.said = name, said
        self.given: tuple[str, ...] | None = None

    async def judge(self, exam: Exam) -> Outcome:
        self.given = exam.test.files
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def exam(source=None, **given) -> Exam:
    return Exam(None, None, source, "examples/web", How(), Readiness((80,)), "n", None, **given)


def test_without_tests_an_example_gets_the_basic_test():
    assert choose.chosen((), ["Dockerfile", "src/goss.yaml"]) == (TestSettings("basic"),)


def test_files_are_tests_by_their_names_and_none_is_left_out():
    names = ["goss.yaml", "goss/b.yaml", "goss/a.yaml", "goss/deep/vars.yaml", "goss_wait.yaml"]
    assert choose.chosen((), names) == (TestSettings("goss", ("goss.yaml", "goss/a.yaml", "goss/b.yaml")),)


def test_what_is_given_comes_before_conventions():
    given = (TestSettings("basic"), TestSettings("goss"))
    assert choose.chosen(given, ["goss.yaml"]) == (TestSettings("basic"), TestSettings("goss", ("goss.yaml",)))
    assert choose.chosen((TestSettings("goss", ("other.yaml",)),), ["goss.yaml"])[0].files == ("other.yaml",)


NAMED = (TestSettings("goss", ("i/goss/a.yaml", "i/goss/dev.yaml")), TestSettings("script", ("i/tests/dev.bats",)))


@pytest.mark.parametrize(
    ("target", "left"),
    [
        ("standard", (TestSettings("goss", ("i/goss/a.yaml",)),)),
        ("dev", NAMED),
    ],
)
def test_a_file_that_is_named_for_another_target_is_not_for_this_one(target, left):
    assert choose.of_target(NAMED, target, ("standard", "dev")) == left


def test_a_target_without_tests_of_its_own_gets_the_basic_test():
    dev = (TestSettings("goss", ("goss/dev.yaml",)),)
    assert choose.of_target(dev, "", ("", "dev")) == (TestSettings("basic"),)
    given = (TestSettings("stage", words=("dev",)), TestSettings("basic"))
    assert choose.of_target(given, "", ("", "dev")) == given


async def test_several_testers_judge_one_image_and_one_that_cannot_is_a_case(monkeypatch):
    one = Judge("one", Outcome((Case("a", Verdict.PASSED),), "said"))
    two = Judge("two", ConfigError("x.yaml:3: unknown key 'b'\nmore"))
    three = Judge("three", Outcome((Case("c", Verdict.FAILED),), "more"))
    monkeypatch.setattr(known, "TESTERS", (one, two, three))
    tests = [TestSettings("one", ("f",)), TestSettings("two"), TestSettings("three")]
    told = await known.judge(tests, exam())
    assert [(case.name, str(case.verdict)) for case in told.cases] == [
        ("a", "passed"),
        ("two", "error"),
        ("c", "failed"),
    ]
    assert (told.cases[1].message, told.cases[1].detail) == ("x.yaml:3: unknown key 'b'", "more")
    assert (told.log, one.given) == ("said\nmore", ("f",))


@pytest.mark.parametrize("one", known.TESTERS, ids=lambda one: one.name)
def test_the_built_in_ones_are_testers_of_a_name_each(one: tester.Tester):
    assert [other.name for other in known.TESTERS].count(one.name) == 1


async def test_goss_is_given_gossfiles_as_the_repository_names_them(repository, monkeypatch):
    kept = []

    async def attempt(image, tools, files, how, nonce):
        kept.append(files)
        return Outcome(())

    monkeypatch.setattr(run, "attempt", attempt)
    paths = ["examples/web/goss.yaml", "examples/web/app.py", "shared/goss/a.yaml", "examples/web/mine/b.yaml"]
    given = exam(repository(dict.fromkeys(paths, "x")), test=TestSettings("goss", ("goss.yaml",)))
    await Goss().judge(given)
    assert kept[0].tests == ("examples/web/goss.yaml",)
    assert set(kept[0].directory.files) == {"examples/web/goss.yaml", "shared/goss/a.yaml"}
    await Goss().judge(exam(given.source, test=TestSettings("goss", ("mine/b.yaml",))))
    assert "examples/web/mine/b.yaml" in kept[1].directory.files
