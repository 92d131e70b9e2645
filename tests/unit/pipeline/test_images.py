"""A FROM that means a base receives that base's object, built once."""

import anyio
import pytest

from baselard import dockerfile
from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_
from pipeline import checks
from pipeline.checks import CheckOptions
from pipeline.clock import Clock
from pipeline.discovery import discover
from pipeline.errors import BaselardError, UsageError
from pipeline.fan_out import FanOut
from pipeline.goss import basic
from pipeline.goss.ready import Readiness
from pipeline.goss.results import Outcome
from pipeline.images import Images, everywhere

pytestmark = pytest.mark.anyio

BASE = "FROM debian:trixie-slim AS standard\nFROM standard AS dev\n"
CONFIG = "bases: [{name: ghcr.io/a/base, targets: [standard, dev], dockerfile: image/Dockerfile}]"


class FakeContainer:
    def __init__(self, name):
        self.name = name

    async def sync(self):
        await anyio.lowlevel.checkpoint()
        return self


@pytest.fixture
def builds(monkeypatch):
    """Record every build; one whose Dockerfile says BROKEN fails."""
    seen = []

    async def build(context, *, contexts, dockerfile, target, on_warning, **_):
        if "WARNED" in context.files[dockerfile]:
            on_warning(Warning_("said", Place(dockerfile, 1), "Rule"))
        seen.append((context.files[dockerfile], target, {key: one.name for key, one in dict(contexts).items()}))
        if "BROKEN" in context.files[dockerfile]:
            raise DockerfileError("unknown instruction: BROKEN", Place(dockerfile, 2))
        return FakeContainer(f"image {len(seen)}")

    monkeypatch.setattr(dockerfile, "build", build, raising=False)
    return seen


async def project(repository, **examples):
    files = {f"examples/{name}/Dockerfile": text for name, text in examples.items()}
    return await discover.project(repository({"baselard.yaml": CONFIG, "image/Dockerfile": BASE, **files}))


async def test_what_a_call_allows_holds_for_bases_and_examples(repository, monkeypatch):
    allowed = []

    async def build(context, *, allow, **_):
        allowed.append(allow)
        return FakeContainer("image")

    monkeypatch.setattr(dockerfile, "build", build, raising=False)
    source = repository({"image/Dockerfile": BASE, "examples/one/Dockerfile": "FROM base\n"})
    called = FanOut()
    called.source, called.allow, called.secrets = source, ["network.host"], None
    found = await called._project()
    for example in found.examples:
        await Images(found).example(example)
    assert allowed == [{"network.host"}, {"network.host"}]
    called.allow = ["everything"]
    with pytest.raises(UsageError, match="--allow: there is no entitlement everything"):
        await called._project()


async def test_two_examples_share_one_object_of_the_base(repository, builds):
    found = await project(repository, one="FROM ghcr.io/a/base\n", two="FROM ghcr.io/a/base:latest\n")
    images = Images(found)
    async with anyio.create_task_group() as group:
        for example in found.examples:
            group.start_soon(images.example, example)
    assert [target for text, target, _ in builds if text == BASE] == ["standard"]
    given = [contexts for text, _, contexts in builds if text != BASE]
    assert given == [{"ghcr.io/a/base": "image 1"}, {"ghcr.io/a/base:latest": "image 1"}]


async def test_the_tag_chooses_the_object(repository, builds):
    found = await project(
        repository, both="FROM ghcr.io/a/base:dev AS build\nFROM ghcr.io/a/base:latest\nCOPY --from=build /a /a\n"
    )
    await Images(found).example(found.examples[0])
    assert [target for text, target, _ in builds if text == BASE] == ["dev", "standard"]


async def test_a_given_base_replaces_every_target(repository, builds):
    found = await project(repository, one="FROM ghcr.io/a/base\n")
    await Images(found, given=everywhere(FakeContainer("given"))).example(found.examples[0])  # type: ignore[arg-type]
    assert builds == [("FROM ghcr.io/a/base\n", "", {"ghcr.io/a/base": "given"})]


async def test_a_base_that_does_not_build_is_tried_once(repository, builds):
    found = await project(repository, one="FROM ghcr.io/a/base\n", two="FROM ghcr.io/a/base\n")
    found.source.files["image/Dockerfile"] = "BROKEN"
    images = Images(found)
    with pytest.raises(DockerfileError):
        await images.example(found.examples[0])
    with pytest.raises(BaselardError, match=r"its base ghcr.io/a/base:standard does not build"):
        await images.example(found.examples[1])
    assert len(builds) == 1


async def test_a_hierarchy_builds_each_on_the_one_before(repository, builds):
    config = "bases: [{name: a/os, dockerfile: os/Dockerfile}, {name: a/python, dockerfile: python/Dockerfile}]"
    found = await discover.project(
        repository(
            {
                "baselard.yaml": config,
                "os/Dockerfile": "FROM debian\n",
                "python/Dockerfile": "FROM a/os:1\n",
                "examples/x/Dockerfile": "FROM a/python\n",
            }
        )
    )
    await Images(found).example(found.examples[0])
    assert builds == [
        ("FROM debian\n", "", {}),
        ("FROM a/os:1\n", "", {"a/os:1": "image 1"}),
        ("FROM a/python\n", "", {"a/python": "image 2"}),
    ]


async def test_a_bad_example_does_not_stop_the_others(repository, builds, monkeypatch):
    async def passes(image, tools, readiness, how, nonce):
        return Outcome(())

    async def nothing(image):
        return Readiness()

    monkeypatch.setattr(basic, "attempt", passes)
    monkeypatch.setattr(checks.ready, "of", nothing)
    monkeypatch.setattr(checks.ready, "evaluated", FakeContainer.sync)
    found = await project(
        repository, bad="FROM ghcr.io/a/base\n# BROKEN\n", good="FROM ghcr.io/a/base\n", odd="FROM x\n"
    )
    images = Images(found)
    subjects = [checks.of_example(example, images, found.source, None) for example in found.examples]
    report = await checks.check_all(
        "t", [*checks.bases_of(checks.meant(found.examples, found.bases), images), *subjects], CheckOptions(), Clock()
    )
    assert [(suite.name, str(suite.verdict)) for suite in report.suites] == [
        ("ghcr.io/a/base:standard (build)", "passed"),
        ("bad", "error"),
        ("good", "skipped"),
        ("odd", "error"),
    ]
    assert "starts FROM x (line 1)" in report.suites[3].cases[0].message


async def test_a_dockerfile_may_lie_outside_its_context(repository, monkeypatch):
    given = []

    async def build(context, *, dockerfile, dockerfiles, **_):
        given.append((sorted(context.files), dockerfile, dockerfile in dockerfiles.files))
        return FakeContainer("image")

    monkeypatch.setattr(dockerfile, "build", build, raising=False)
    config = "bases: [{name: a/b, dockerfile: image/Dockerfile, context: app}]"
    files = {"baselard.yaml": config, "image/Dockerfile": BASE, "app/main.py": ""}
    found = await discover.project(repository(files))
    await Images(found).base(found.bases[0], "")
    assert given == [(["main.py"], "image/Dockerfile", True)]


async def test_warnings_are_kept_for_whoever_publishes(repository, builds):
    found = await project(repository, one="FROM ghcr.io/a/base\n# WARNED\n")
    images = Images(found)
    await images.example(found.examples[0])
    assert [(warning.rule, warning.message) for warning in images.warnings] == [("Rule", "said")]


async def test_a_base_that_does_not_build_tells_why_once_and_its_name_to_everybody_else(repository, builds):
    files = {"image/Dockerfile": f"{BASE}# BROKEN\n", "examples/web/Dockerfile": "FROM ghcr.io/a/base\n"}
    found = await discover.project(repository({"baselard.yaml": CONFIG, **files}))
    images = Images(found)
    await images.ready_for(found.examples[0])
    with pytest.raises(DockerfileError):
        await images.base(found.bases[0], "standard")
    with pytest.raises(BaselardError, match=r"^its base ghcr\.io/a/base:standard does not build$"):
        await images.example(found.examples[0])


class FakeSecret:
    async def uri(self):
        return "env://TOKEN"


async def test_a_build_gets_its_named_contexts_and_the_secrets_that_the_call_gives(repository, monkeypatch):
    given = {}

    async def build(context, *, contexts, secrets, **_):
        given.update(contexts=dict(contexts), secrets=dict(secrets))
        return FakeContainer("image")

    monkeypatch.setattr(dockerfile, "build", build, raising=False)
    config = """\
bases: [{name: a/base}]
examples:
  settings:
    x: {contexts: {docs: manual, alpine: "docker-image://a/base:1"}, secrets: {npm: "env://TOKEN"}}
"""
    texts = {"Dockerfile": "FROM debian\n", "examples/x/Dockerfile": "FROM alpine\n", "manual/page": ""}
    source, secret = repository({"baselard.yaml": config, **texts}), FakeSecret()
    found = await discover.project(source, secrets=[secret])  # type: ignore[list-item]
    await Images(found).example(found.examples[0])
    assert given["secrets"] == {"npm": secret}
    assert given["contexts"]["docs"].files == {"page": ""}
    assert (given["contexts"]["alpine"].name, given["contexts"]["a/base:1"].name) == ("image", "image")
    without = await discover.project(source)
    with pytest.raises(UsageError, match="x needs a secret that the call does not give: add --secrets env://TOKEN"):
        await Images(without).example(without.examples[0])
