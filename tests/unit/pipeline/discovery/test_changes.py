"""Which examples a change touches."""

import pytest

from pipeline.config.config import BaseSettings, ExampleSettings
from pipeline.discovery.changes import Changed, affected, parse, since
from pipeline.errors import BaselardError
from pipeline.project import Base, Example

EXAMPLES = tuple(Example(name, f"examples/{name}", ExampleSettings()) for name in ("cli", "web"))
BASE = Base("b", "image/Dockerfile", "image", ("",), (), BaseSettings())


def names(*paths, base=BASE):
    return [example.name for example in affected(EXAMPLES, [base], Changed("main", paths))]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["examples/cli/goss.yaml"], ["cli"]),
        (["examples/web/src/a.js", "README.md"], ["web"]),
        (["README.md", "docs/a/b.png"], []),
        (["image/Dockerfile"], ["cli", "web"]),
        (["image/etc/README.md"], ["cli", "web"]),
        (["image/goss/common.yaml"], ["cli", "web"]),
        (["baselard.yaml"], ["cli", "web"]),
        (["pipeline/main.py"], ["cli", "web"]),
        (["examples/shared.txt"], ["cli", "web"]),
        (["examples/cli-two/x"], ["cli", "web"]),
    ],
)
def test_paths(paths, expected):
    assert names(*paths) == expected


def test_an_empty_range_tests_everything():
    assert names() == ["cli", "web"]


def test_an_unknown_range_tests_everything():
    assert len(affected(EXAMPLES, [BASE], Changed("gone", None, "no such commit"))) == 2


def test_with_the_root_as_context_even_a_readme_may_be_copied():
    root = Base("b", "Dockerfile", ".", ("",), (), BaseSettings())
    assert names("README.md", base=root) == ["cli", "web"]
    assert names("examples/cli/a", base=root) == ["cli"]


def test_what_a_build_reads_elsewhere_concerns_it():
    settings = ExampleSettings(context="app", contexts={"a": "shared/a", "b": "docker-image://b"})
    examples = (Example("web", "examples/web", settings), EXAMPLES[0])
    base = Base("b", "image/Dockerfile", "image", ("",), (), BaseSettings(contexts={"x": "docs/x"}))

    def touched(path):
        return [one.name for one in affected(examples, [base], Changed("main", (path,)))]

    # Outside of every example and base, a path is taken to concern all, unless it is harmless.
    assert (touched("app/README.md"), touched("shared/a/x.md"), touched("shared/README.md")) == (["web"], ["web"], [])
    assert touched("docs/x/a.png") == ["web", "cli"]


def test_the_listing_is_read():
    assert parse("main", "known\0b\0a b\0b\0") == Changed("main", ("a b", "b"))
    assert parse("main", "known\0") == Changed("main", ())
    assert parse("gone", "unknown\0fatal: Not a valid object name gone\n\0").paths is None


@pytest.mark.anyio
async def test_without_history_it_says_what_to_add():
    with pytest.raises(BaselardError, match=r"--history \.git"):
        await since(None, None, "main")
