"""Which Dockerfiles are examples, what they are called, and what is set for them."""

import pytest

from pipeline.conventions import dockerfile_name
from pipeline.discovery import discover
from pipeline.errors import ConfigError

pytestmark = pytest.mark.anyio

CHILD = "FROM acme/base\n"
BASE = {"Dockerfile": "FROM debian:trixie\n"}


@pytest.fixture
def examples(repository):
    async def find(paths, config="", base="{name: acme/base}"):
        files = {path: CHILD for path in paths} if isinstance(paths, list) else paths
        text = f"bases: [{base}]\n{config}"
        project = await discover.project(repository({**BASE, "baselard.yaml": text, **files}))
        return {one.name: one for one in project.examples}

    return find


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Dockerfile", ""),
        ("Containerfile", ""),
        ("web.dockerfile", "web"),
        ("web.Dockerfile", "web"),
        ("Dockerfile.web", "web"),
        ("Containerfile.web", "web"),
        ("python3.11-slim.dockerfile", "python3.11-slim"),
        ("Dockerfile.arm64.v8", "arm64.v8"),
        ("Dockerfile.dockerignore", None),
        ("web.Dockerfile.dockerignore", None),
        ("Dockerfile.template", None),
        ("Dockerfile.j2", None),
        ("Dockerfile.web~", None),
        ("Dockerfile-curl.template", None),
        ("notes.md", None),
        (".dockerfile", None),
        ("Dockerfile.", None),
        ("MyDockerfile", None),
    ],
)
async def test_a_file_is_a_dockerfile_by_its_name(file, name):
    assert dockerfile_name(file) == name


async def test_a_plain_dockerfile_is_the_one_of_its_directory(examples):
    found = await examples(["examples/a/Dockerfile", "examples/a/Dockerfile.dev", "examples/b/Containerfile"])
    assert {name: one.dockerfile for name, one in found.items()} == {
        "a": "examples/a/Dockerfile",
        "b": "examples/b/Containerfile",
    }


async def test_without_a_plain_one_each_named_dockerfile_is_an_example(examples):
    found = await examples(
        ["examples/a/Dockerfile.web", "examples/a/job.dockerfile", "examples/a/Dockerfile.web.dockerignore"]
    )
    assert {name: one.dockerfile for name, one in found.items()} == {
        "a/web": "examples/a/Dockerfile.web",
        "a/job": "examples/a/job.dockerfile",
    }


async def test_a_program_that_is_called_like_a_dockerfile_is_none_unless_the_settings_name_it(examples):
    files = {"examples/a/Dockerfile.py": "import re\n", "examples/a/Dockerfile.go": CHILD}
    assert list(await examples(files)) == ["a/go"]
    named = await examples(files, "examples: {settings: {a: {dockerfile: Dockerfile.py}}}")
    assert named["a"].problem


async def test_gossfiles_named_for_another_dockerfile_of_the_directory_are_not_its_own(examples):
    there = {f"examples/a/{name}": CHILD for name in ("Dockerfile.web", "Dockerfile.job")}
    found = await examples({**there, **{f"examples/a/goss/{name}.yaml": "" for name in ("all", "job", "web")}})
    assert found["a/web"].goss == ("goss/all.yaml", "goss/web.yaml")
    assert found["a/job"].goss == ("goss/all.yaml", "goss/job.yaml")


async def test_a_pattern_may_name_dockerfiles(examples):
    config = 'examples: {paths: ["docs/recipes/*.dockerfile", "examples/*/Dockerfile.*"]}'
    found = await examples(
        [
            "docs/recipes/spark.dockerfile",
            "docs/recipes/Dockerfile",
            "examples/a/Dockerfile",
            "examples/a/Dockerfile.web",
        ],
        config,
    )
    assert {name: one.directory for name, one in found.items()} == {"spark": "docs/recipes", "a/web": "examples/a"}


async def test_a_pattern_of_dockerfiles_is_told_from_one_of_directories(examples):
    config = 'examples: {paths: ["a/*ockerfile", "dockerfiles/*", "b/Dockerfile*"]}'
    found = await examples(
        ["a/Dockerfile", "a/x.Dockerfile", "dockerfiles/c/Dockerfile", "b/Dockerfile.y", "b/Dockerfile.y.dockerignore"],
        config,
    )
    assert sorted(found) == ["a", "c", "x", "y"]


async def test_a_hidden_directory_is_called_by_the_one_above_too(examples):
    found = await examples(["src/web/.devcontainer/Dockerfile"], 'examples: {paths: ["src/*/.devcontainer"]}')
    assert list(found) == ["web/.devcontainer"]


async def test_the_dockerfile_of_a_base_is_no_example(examples):
    paths = ["images/os/Dockerfile", "images/web/Dockerfile"]
    base = "{name: 'acme/{IMAGE}', dockerfile: 'images/{IMAGE}/Dockerfile', variants: {IMAGE: [os]}}, {name: acme/base}"
    assert list(await examples(paths, 'examples: {paths: ["images/*"]}', base)) == ["web"]


async def test_a_plain_name_in_the_settings_wins_over_a_glob(examples):
    config = 'examples: {settings: {web: {wait: 5}, "*": {context: ., wait: 7}}}'
    found = await examples(["examples/web/Dockerfile", "examples/job/Dockerfile"], config)
    assert {name: (one.context, one.settings.wait) for name, one in found.items()} == {"web": (".", 5), "job": (".", 7)}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("x", r"baselard.yaml:3: 'x' may be cookbooks/x or examples/x; write which one"),
        ("examples/y", r"baselard.yaml:3: there is no example 'examples/y'; did you mean 'examples/x'\?"),
        ("'z*'", r"baselard.yaml:3: there is no example 'z\*'; there are cookbooks/x, examples/x"),
    ],
)
async def test_settings_of_no_example_or_of_two_are_refused(examples, key, said):
    config = f"examples: {{settings: {{\n{key}: {{wait: 5}}}}}}"
    with pytest.raises(ConfigError, match=said):
        await examples(["examples/x/Dockerfile", "docs/cookbooks/x/Dockerfile"], config)


async def test_its_own_dockerfile_is_the_settings(examples):
    config = "examples: {settings: {a: {dockerfile: docker/app.dockerfile}}}"
    found = await examples(["examples/a/Dockerfile", "examples/a/docker/app.dockerfile"], config)
    assert found["a"].dockerfile == "examples/a/docker/app.dockerfile"


async def test_a_from_through_arguments_and_their_defaults(examples):
    text = "ARG REGISTRY=elsewhere\nARG OWNER=acme\nARG BASE=$REGISTRY/$OWNER/base\nFROM $BASE\n"
    found = await examples(
        {"examples/a/Dockerfile": text, "examples/b/Dockerfile": text},
        "examples: {settings: {a: {build-args: {REGISTRY: ghcr.io}}}}",
        base="{name: ghcr.io/acme/base}",
    )
    assert found["a"].problem == ""
    assert found["b"].problem.startswith("examples/b/Dockerfile: starts FROM elsewhere/acme/base (line 4)")


async def test_copying_from_the_base_is_use_of_it(examples):
    found = await examples({"examples/a/Dockerfile": "FROM alpine\nCOPY --from=acme/base /bin/tool /bin/\n"})
    assert found["a"].problem == ""


async def test_a_named_context_takes_the_place_of_a_from(examples):
    config = 'examples: {settings: {a: {contexts: {alpine: "docker-image://acme/base:1", docs: examples/b}}}}'
    found = await examples({"examples/a/Dockerfile": "FROM alpine\nCOPY --from=docs / /docs\n"}, config)
    assert [one.reference for one in found["a"].froms] == ["acme/base:1"]
    assert found["a"].places == ("examples/a", "examples/b")


@pytest.mark.parametrize("value", ["../x", "/etc", "git://x/y", "docker-image://"])
async def test_a_named_context_is_in_the_repository_or_an_image(examples, value):
    with pytest.raises(ConfigError, match="is not allowed here"):
        await examples(["examples/a/Dockerfile"], f'examples: {{settings: {{a: {{contexts: {{x: "{value}"}}}}}}}}')
