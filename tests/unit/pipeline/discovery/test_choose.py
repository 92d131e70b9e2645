"""Choosing examples and targets."""

import pytest

from pipeline.config.config import BaseSettings, Config, ExampleSettings
from pipeline.discovery import choose
from pipeline.errors import BaselardError
from pipeline.project import Base, Example, Project


def project(*names, targets=("standard", "dev")):
    base = Base("ghcr.io/a/base", "Dockerfile", ".", targets, (), BaseSettings())
    examples = tuple(Example(name, f"examples/{name}", ExampleSettings()) for name in names)
    return Project(None, Config(), (base,), examples)


def names(chosen):
    return [example.name for example in chosen]


def test_all_by_default():
    assert names(choose.examples(project("a", "b"))) == ["a", "b"]


def test_only_and_exclude_take_globs():
    some = project("web-a", "web-b", "cli")
    assert names(choose.examples(some, ["web-*"], ["*-b"])) == ["web-a"]


@pytest.mark.parametrize("argument", ["only", "exclude"])
def test_a_name_that_matches_nothing_is_an_error_with_a_hint(argument):
    with pytest.raises(BaselardError, match="no example matches 'pyton-cli'; did you mean 'python-cli'"):
        choose.examples(project("python-cli", "x"), **{argument: ["pyton-cli"]})


def test_no_example_at_all_says_where_it_looked():
    with pytest.raises(BaselardError, match=r"looked for Dockerfiles in examples/\*, docs/cookbooks/\*;"):
        choose.examples(project())


@pytest.mark.parametrize(
    ("asked", "stage"),
    [
        ("", "standard"),
        ("dev", "dev"),
        ("ghcr.io/a/base:dev", "dev"),
        ("ghcr.io/a/base", "standard"),
    ],
)
def test_targets(asked, stage):
    assert choose.base(project(), asked)[1] == stage


def test_an_unknown_target_lists_the_known():
    with pytest.raises(BaselardError, match="no target 'full'; there are standard, dev"):
        choose.base(project(), "full")
