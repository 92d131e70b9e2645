"""Bases and examples by convention and by configuration."""

import asyncio

import pytest

from pipeline.discovery import at_once, discover
from pipeline.discovery.discover import EngineTree
from pipeline.errors import ConfigError
from pipeline.project import base_of

pytestmark = pytest.mark.anyio

BASE = "FROM debian:trixie-slim AS standard\nFROM standard AS dev\n"
CHILD = "FROM ghcr.io/a/base:latest\nRUN true\n"


@pytest.fixture
def found(repository):
    async def find(files):
        return await discover.project(repository(files))

    return find


async def test_conventions_need_no_configuration(found):
    project = await found(
        {
            "image/Dockerfile": BASE,
            "image/goss/b.yaml": "",
            "image/goss/a.yaml": "",
            "examples/web/Dockerfile": CHILD,
            "examples/web/goss.yaml": "",
            "examples/web/goss_wait.yaml": "",
            "examples/web/goss/more.yaml": "",
            "examples/web/goss/deep/vars.yaml": "",
            "image/goss/goss_wait.yaml": "",
            "docs/cookbooks/cli/Dockerfile": CHILD,
            "examples/notes.txt": "",
            "examples/web/sub/Dockerfile": CHILD,
        }
    )
    (base,) = project.bases
    assert (base.name, base.dockerfile, base.context) == ("ghcr.io/a/base", "image/Dockerfile", "image")
    assert (base.goss, base.wait) == (("image/goss/a.yaml", "image/goss/b.yaml"), "image/goss/goss_wait.yaml")
    assert project.examples[1].goss == ("goss.yaml", "goss/more.yaml")
    assert [(e.name, [test.tester for test in e.tests], e.waits, e.problem) for e in project.examples] == [
        ("cli", ["basic"], False, ""),
        ("web", ["goss"], True, ""),
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        *("Dockerfile", "*ockerfile*", "image", "image/*", "examples/*/goss*.y*ml", "examples/we?/goss.yaml", "none/*"),
        *("**/goss.yaml", "examples/w[e]b/goss.yaml", "examples/web/[g]oss.yaml", "none"),
    ],
)
async def test_an_engine_lists_what_its_own_glob_does(repository, pattern):
    """Judge: the engine's glob, asked for the very pattern."""
    files = ("Dockerfile", "image/", "image/Dockerfile", "examples/web/goss.yaml", "examples/web/goss_wait.yml")
    tree = repository(dict.fromkeys((*files, "examples/goss.yaml"), ""))
    assert await EngineTree(tree).glob(pattern) == await tree.glob(pattern)


async def test_what_is_in_a_directory_is_asked_for_once(repository, monkeypatch):
    """However many files are looked for by name: each question costs a query."""
    asked = []
    glob = type(repository()).glob

    async def counting(self, pattern):
        asked.append(pattern)
        return await glob(self, pattern)

    monkeypatch.setattr(repository, "glob", counting)
    files = {f"examples/{number}/Dockerfile": CHILD for number in range(9)}
    await discover.project(repository({"image/Dockerfile": BASE, "baselard.yaml": "{}\n", **files}))
    usual = [f"{place}/*{below}" for place in ("examples", "docs/cookbooks") for below in ("/*", "/goss/*", "/tests/*")]
    assert sorted(asked) == sorted(["*", *usual, "image/*", "image/goss/*"])


async def test_what_is_asked_at_once_is_one_query(repository, monkeypatch):
    """However many examples: judge is the number of questions, of which those about one kind of thing come together."""
    asked = []

    async def counting(tree, questions):
        asked.append(len(questions))
        return await tree.select(questions)

    monkeypatch.setattr(at_once, "select", counting)
    files = {f"examples/{number:03}/Dockerfile": CHILD for number in range(150)}
    project = await discover.project(repository({"image/Dockerfile": BASE, **files}))
    assert len(project.examples) == 150
    assert max(asked) == 100
    assert len(asked) < 10


async def test_a_question_without_an_answer_leaves_the_others_theirs(repository):
    tree = EngineTree(repository({"a": "one", "b": "two"}))
    assert await asyncio.gather(*map(tree.text, ("a", "none", "b"))) == ["one", None, "two"]


async def test_no_base_is_an_error_that_says_what_to_write(found):
    with pytest.raises(ConfigError, match=r"neither Dockerfile nor .*; write `bases:"):
        await found({"README.md": ""})


async def test_an_unclear_base_name_is_an_error(found):
    with pytest.raises(ConfigError, match=r"equally often from .*a/one and .*a/two"):
        await found(
            {"Dockerfile": BASE, "examples/x/Dockerfile": "FROM a/one\n", "examples/y/Dockerfile": "FROM a/two\n"}
        )


async def test_an_example_of_another_base_says_what_it_uses(found):
    project = await found(
        {
            "baselard.yaml": "bases: [{name: ghcr.io/a/base}]",
            "Dockerfile": BASE,
            "examples/x/Dockerfile": "FROM alpine:3\n",
        }
    )
    assert "starts FROM alpine:3 (line 1), not from ghcr.io/a/base" in project.examples[0].problem


async def test_a_foreign_example_is_allowed_when_configured(found):
    project = await found(
        {
            "baselard.yaml": "{bases: [{name: ghcr.io/a/base}], examples: {settings: {x: {standalone: true}}}}",
            "Dockerfile": BASE,
            "examples/x/Dockerfile": "FROM alpine:3\n",
        }
    )
    assert project.examples[0].problem == ""


async def test_two_examples_of_one_name_are_told_apart_by_more_of_their_paths(found):
    files = {"Dockerfile": BASE, "examples/x/Dockerfile": CHILD, "docs/cookbooks/x/Dockerfile": CHILD}
    project = await found(files)
    assert [(example.name, example.problem) for example in project.examples] == [
        ("cookbooks/x", ""),
        ("examples/x", ""),
    ]


async def test_a_dockerfile_that_does_not_parse_is_the_examples_own_problem(found):
    files = {"Dockerfile": BASE, "examples/bad/Dockerfile": "FORM x\n", "examples/good/Dockerfile": CHILD}
    project = await found(files)
    assert [bool(example.problem) for example in project.examples] == [True, False]
    assert "examples/bad/Dockerfile" in project.examples[0].problem


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("ghcr.io/a/base", "standard"),
        ("ghcr.io/a/base:latest", "standard"),
        ("ghcr.io/a/base:dev", "dev"),
        ("ghcr.io/a/base:1.2-dev", "dev"),
        ("ghcr.io/a/base@sha256:" + "0" * 64, "standard"),
        ("ghcr.io/a/other", None),
    ],
)
async def test_the_tag_chooses_the_target(found, reference, target):
    project = await found(
        {
            "baselard.yaml": "bases: [{name: ghcr.io/a/base, targets: [standard, dev]}]",
            "Dockerfile": BASE,
            "examples/x/Dockerfile": CHILD,
        }
    )
    meant = base_of(reference, project.bases)
    assert (meant and meant[1]) == target


async def test_settings_name_tests_of_other_files_and_one_that_is_not_there_is_told_with_its_line(found):
    files = {"Dockerfile": BASE, "examples/a/Dockerfile": "FROM base\n", "examples/b/Dockerfile": "FROM base\n"}
    written = "bases: [{name: base}]\nexamples:\n  settings:\n    a: {tests: [{script: check/x.sh}, basic]}\n"
    project = await found({**files, "baselard.yaml": written, "examples/a/check/x.sh": "", "examples/b/test.sh": ""})
    assert [(one.testers, one.problem) for one in project.examples] == [(("script", "basic"), ""), (("basic",), "")]
    project = await found({**files, "baselard.yaml": written})
    told = "baselard.yaml:4: there is no examples/a/check/x.sh, which is to be a test"
    assert project.examples[0].problem == told


async def test_a_tester_that_finds_none_of_its_files_is_told_with_its_line(found):
    files = {"Dockerfile": BASE, "examples/a/Dockerfile": "FROM base\n"}
    written = "bases: [{name: base}]\nexamples: {settings: {a: {tests: [script]}}}\n"
    project = await found({**files, "baselard.yaml": written})
    told = "script finds no test in examples/a: there is none of test.sh, tests/*.bats"
    assert project.examples[0].problem == f"baselard.yaml:2: {told}"
    with pytest.raises(ConfigError, match=r"baselard.yaml:1: pytest finds no test in \.: there is none of test_\*\.py"):
        await found({**files, "baselard.yaml": "bases: [{name: base, tests: [pytest]}]"})
    with pytest.raises(ConfigError, match=r"baselard.yaml:1: there is no check/x.sh, which is to be a test"):
        await found({**files, "baselard.yaml": "bases: [{name: base, tests: [{script: check/x.sh}]}]"})


async def test_a_base_s_tests_lie_beside_its_dockerfile(found):
    """As an example's do; dgoss's names are gossfiles there, and a script is a test only where the settings say so."""
    beside = ("goss.yaml", "goss/a.yaml", "goss_wait.yaml", "test.sh", "tests/x.bats", "my-structure-test.yaml")
    files = {"image/Dockerfile": BASE, **{f"image/{name}": "" for name in beside}, "goss.yaml": "", "other/b.yaml": ""}
    (base,) = (await found(files)).bases
    assert [(test.tester, test.files) for test in base.tests] == [
        ("goss", ("image/goss.yaml", "image/goss/a.yaml")),
        ("container-structure-test", ("image/my-structure-test.yaml",)),
    ]
    assert base.wait == "image/goss_wait.yaml"
    (base,) = (await found({**files, "baselard.yaml": "bases: [{name: base, goss: other}]"})).bases
    assert (base.goss, base.wait) == (("other/b.yaml",), "")
    written = "bases: [{name: base, tests: [script, {goss: goss/a.yaml}, {run: id}, basic]}]"
    (base,) = (await found({**files, "baselard.yaml": written})).bases
    assert [(test.tester, test.files, test.words) for test in base.tests] == [
        ("script", ("image/test.sh", "image/tests/x.bats"), ()),
        ("goss", ("image/goss/a.yaml",), ()),
        ("script", (), ("id",)),
        ("basic", (), ()),
    ]
