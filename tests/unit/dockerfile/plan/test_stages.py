import pytest

from baselard.dockerfile.plan.bases import base_references, image_references
from baselard.dockerfile.plan.stages import (
    BuildOptions,
    ImageSource,
    NamedContext,
    Plan,
    ScratchSource,
    StageOutput,
    make_plan,
)
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.dockerfile.syntax.text import parse


def plan(text: str, **options: object) -> Plan:
    return make_plan(parse(text), BuildOptions(**{"build_args": {}, **options}))  # type: ignore[arg-type]


def test_only_needed_stages() -> None:
    found = plan("FROM a AS one\nFROM b AS two\nFROM c AS three\nCOPY --from=one / /\nFROM two\n", target="three")
    assert (found.target, found.needed) == (2, (0, 2))


def test_a_bind_mount_needs_its_stage() -> None:
    assert plan("FROM a AS one\nFROM b AS two\nFROM c\nRUN --mount=from=two,target=/x true").needed == (1, 2)


def test_what_a_stage_starts_from() -> None:
    stages = plan(
        "FROM a:1 AS one\nFROM one\nFROM scratch\nFROM base:latest", contexts=("docker.io/library/base",)
    ).stages
    assert [stage.base for stage in stages] == [
        ImageSource("a:1", "linux/amd64"),
        StageOutput(0),
        ScratchSource(),
        NamedContext("docker.io/library/base"),
    ]


def test_an_earlier_stage_wins_over_a_context_and_a_context_over_its_own_stage() -> None:
    stages = plan("FROM x AS one\nFROM one\nFROM y AS two", contexts=("x", "two")).stages
    assert stages[1].base == StageOutput(0)
    assert stages[2].replaced
    assert stages[2].base == NamedContext("two")


def test_a_context_for_one_platform() -> None:
    text = "FROM --platform=linux/arm64 base\nFROM base"
    stages = plan(text, contexts=("base", "base::linux/arm64")).stages
    assert [stage.base for stage in stages] == [NamedContext("base::linux/arm64"), NamedContext("base")]


@pytest.mark.parametrize(
    ("text", "platform"),
    [("linux", "linux/arm64"), ("amd64", "linux/amd64"), ("linux/vax", "linux/vax"), ("linux/arm", "linux/arm/v7")],
)
def test_what_a_platform_leaves_open_is_the_building_machine_s(text: str, platform: str) -> None:
    """As containerd's platforms.Parse, which BuildKit calls: the running program's architecture."""
    (stage,) = plan(f"FROM --platform={text} a", platform="linux/s390x", build_platform="linux/arm64").stages
    assert stage.platform == platform


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM $NONE", "base name ($NONE) should not be blank"),
        ("FROM a:$NONE", 'failed to parse stage name "a:": invalid reference format'),
        ("FROM --platform=$NONE a", "empty platform value from expression $NONE"),
        ("FROM --platform=nothing a", 'failed to parse platform nothing: "nothing": unknown operating system'),
        ("FROM --platform=a/b/c/d a", 'failed to parse platform a/b/c/d: "a/b/c/d" is an invalid platform: must be'),
        ("FROM ${A:?must be given}", "FROM requires either one or three arguments"),
        ("FROM ${A:?missing}", "failed to process '${A:?missing}': A: missing"),
        ("FROM a AS x\nCOPY --from=x / /", "circular dependency detected on stage: x"),
        ("FROM a AS x\nCOPY --from=y / /\nFROM x AS y", "circular dependency detected on stage: y"),
        ("FROM a AS x\nCOPY --from=y / /\nFROM b AS y", 'cannot copy from stage "y", it needs to be defined before'),
        ("FROM a\nCOPY --from=9 / /", "invalid stage index 9"),
        ("FROM a\nCOPY --from=Bad_/x / /", 'failed to parse stage name "Bad_/x"'),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        plan(text)
    assert caught.value.message.startswith(message)
    assert caught.value.line in (1, 2)


def test_an_unknown_target_is_not_guessed() -> None:
    with pytest.raises(DockerfileError, match=r'target stage "buidl" could not be found \(did you mean build\?\)'):
        plan("FROM a AS build", target="buidl")


def test_global_args_follow_one_another_and_can_be_given() -> None:
    found = plan("ARG A=1\nARG B=${A}2\nFROM x:$B", build_args={"A": "9"})
    assert found.stages[0].reference == "x:92"


def test_images_that_are_only_copied_from_are_told_with_their_lines() -> None:
    text = "FROM a AS one\nCOPY --from=b:1 / /\nFROM one\nCOPY --from=one / /\nRUN --mount=from=c true\nADD x /\n"
    found = image_references(text, contexts=("c",))
    assert [(one.reference, one.line, one.copied) for one in found] == [
        ("a", 1, False),
        ("one", 3, False),
        ("b:1", 2, True),
    ]


def test_base_references_have_lines_and_contexts() -> None:
    text = "ARG TAG=latest\n\nFROM ghcr.io/o/base:${TAG} AS build\nFROM build\n"
    one, two = base_references(text, contexts=("ghcr.io/o/base",))
    assert (one.reference, one.line, one.is_stage, one.context) == ("ghcr.io/o/base:latest", 3, False, "ghcr.io/o/base")
    assert (two.reference, two.line, two.is_stage, two.context) == ("build", 4, True, None)
