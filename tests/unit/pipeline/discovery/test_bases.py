"""Bases told apart by tag, in any order and to any depth, and what of them cannot be."""

import pytest

from pipeline.discovery import choose, discover
from pipeline.errors import ConfigError
from pipeline.project import base_of

pytestmark = pytest.mark.anyio

TOOLS = """\
bases:
- {name: tools, tags: [trixie, stable], dockerfile: full/Dockerfile}
- {name: tools, tags: [trixie-scm, scm], dockerfile: scm/Dockerfile}
- {name: tools, tags: [trixie-curl, curl], dockerfile: curl/Dockerfile}
"""
CHAIN = {
    "full/Dockerfile": "FROM tools:trixie-scm\n",
    "scm/Dockerfile": "FROM tools:trixie-curl\n",
    "curl/Dockerfile": "FROM debian:trixie\n",
}


@pytest.fixture
def project(repository):
    async def find(config, files):
        return await discover.project(repository({"baselard.yaml": config, **files}))

    return find


async def test_three_dockerfiles_of_one_name_are_ordered_by_what_they_start_from(project):
    found = await project(TOOLS, CHAIN)
    assert [base.title("") for base in found.bases] == ["tools:trixie-curl", "tools:trixie-scm", "tools:trixie"]


@pytest.mark.parametrize(
    ("reference", "dockerfile"),
    [
        ("tools", "full"),
        ("tools:latest", "full"),
        ("docker.io/library/tools:stable", "full"),
        ("tools:scm", "scm"),
        ("tools:trixie-curl", "curl"),
        ("tools:1.2-curl", None),
        ("other:curl", None),
    ],
)
async def test_a_tag_means_the_base_that_has_it(project, reference, dockerfile):
    found = await project(TOOLS, CHAIN)
    meant = base_of(reference, found.bases)
    assert (meant and meant[0].dockerfile) == (dockerfile and f"{dockerfile}/Dockerfile")


async def test_a_tag_and_a_target(project):
    config = "bases: [{name: a, tags: [x], targets: [slim, full]}, {name: a, dockerfile: b/Dockerfile}]"
    found = await project(
        config, {"Dockerfile": "FROM debian AS slim\nFROM slim AS full\n", "b/Dockerfile": "FROM debian\n"}
    )
    meant = {tag: base_of(f"a:{tag}", found.bases) for tag in ("x", "x-full", "latest", "y")}
    assert {tag: one and one[0].title(one[1]) for tag, one in meant.items()} == {
        "x": "a:x-slim",
        "x-full": "a:x-full",
        "latest": "a",
        "y": "a",
    }


async def test_a_target_is_chosen_by_its_title_or_its_tag(project):
    found = await project(TOOLS, CHAIN)
    assert [choose.base(found, name)[0].dockerfile for name in ("tools:trixie-scm", "trixie-curl")] == [
        "scm/Dockerfile",
        "curl/Dockerfile",
    ]


async def test_a_deep_chain_in_any_order(project):
    """Deeper than Python's recursion goes."""
    count = 1200
    names = [f"{{name: a/b{number}, dockerfile: {number}/Dockerfile}}" for number in reversed(range(count))]
    files = {f"{number}/Dockerfile": f"FROM a/b{number - 1}\n" for number in range(count)}
    found = await project(f"bases: [{', '.join(names)}]", files)
    assert [base.number for base in found.bases] == list(reversed(range(count)))


async def test_a_base_may_start_from_what_it_was_published_as(project):
    found = await project("bases: [{name: debian}]", {"Dockerfile": "FROM debian:trixie\n"})
    assert [base.name for base in found.bases] == ["debian"]


@pytest.mark.parametrize(
    ("config", "files", "said"),
    [
        (
            "bases:\n- {name: a, dockerfile: x/Dockerfile}\n- {name: docker.io/library/a, dockerfile: y/Dockerfile}\n",
            {"x/Dockerfile": "FROM scratch\n", "y/Dockerfile": "FROM scratch\n"},
            "baselard.yaml:3: two bases are called docker.io/library/a (the other one: baselard.yaml:2); "
            "give each its `tags`",
        ),
        (
            "bases:\n- {dockerfile: x/Dockerfile}\n- {dockerfile: y/Dockerfile}\n",
            {"x/Dockerfile": "FROM scratch\n", "y/Dockerfile": "FROM scratch\n"},
            "baselard.yaml:3: this base needs a `name`: without one it is base, as the one at baselard.yaml:2",
        ),
        (
            "bases:\n- {name: a, tags: [one], dockerfile: x/Dockerfile}\n"
            "- {name: a, tags: [two, one], dockerfile: y/Dockerfile}\n",
            {"x/Dockerfile": "FROM scratch\n", "y/Dockerfile": "FROM scratch\n"},
            "baselard.yaml:3: a:one cannot be y/Dockerfile: it is x/Dockerfile already (baselard.yaml:2)",
        ),
        (
            "bases: [{name: a, dockerfile: x/Dockerfile}, {name: b, dockerfile: y/Dockerfile}]",
            {"x/Dockerfile": "# first\nFROM b\n", "y/Dockerfile": "FROM scratch\nCOPY --from=a:1 / /\n"},
            "x/Dockerfile:2: bases start from each other in a circle: "
            "x/Dockerfile:2 is FROM b, y/Dockerfile:2 is FROM a:1",
        ),
        (
            "bases:\n- {name: a, tags: [one]}\n- {name: b, dockerfile: y/Dockerfile}\n",
            {"Dockerfile": "FROM scratch\n", "y/Dockerfile": "\nFROM a:two\n"},
            "y/Dockerfile:2: nobody builds a:two; built are one, latest",
        ),
        (
            "bases:\n- name: a:1\n",
            {"Dockerfile": "FROM scratch\n"},
            "baselard.yaml:2: a:1: write the tag as `tags: [TAG]`",
        ),
        (
            "bases:\n- name: a\n  dockerfile: x/Dockerfile\n",
            {},
            "baselard.yaml:3: there is no x/Dockerfile, which is to be a Dockerfile",
        ),
    ],
)
async def test_what_is_ambiguous_or_cannot_be_is_refused_with_its_line(project, config, files, said):
    with pytest.raises(ConfigError) as error:
        await project(config, files)
    assert str(error.value) == said


async def test_an_example_of_a_tag_that_nobody_builds(project):
    found = await project(TOOLS, {**CHAIN, "examples/x/Dockerfile": "FROM tools:sid-curl\n"})
    assert found.examples[0].problem.startswith(
        "examples/x/Dockerfile:1: nobody builds tools:sid-curl; built are trixie"
    )
