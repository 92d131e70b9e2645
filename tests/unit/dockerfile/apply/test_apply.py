"""Applying plans, watched by a builder that notes what it is asked and told."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from baselard.dockerfile.apply.builder import BlockedError, Placement, Warn
from baselard.dockerfile.apply.driver import BuildRequest, build_with
from baselard.dockerfile.apply.state import Contexts, Made
from baselard.dockerfile.plan.steps import RunStep
from baselard.dockerfile.syntax.errors import DockerfileError, Warning_
from baselard.oci.image_config import ImageConfig
from tests.unit.dockerfile.recording import Box, Recorder, Tree

pytestmark = pytest.mark.anyio
PATH = ImageConfig(env=(("PATH", "/bin"),))


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "d").mkdir()
    for name in ("a.txt", "b.txt", "d/c.txt"):
        (tmp_path / name).write_text(name)
    return tmp_path


async def build(
    context: Path, text: str, recorder: Recorder | None = None, warned: list[Warning_] | None = None
) -> Box:
    (context / "Dockerfile").write_text(text)
    recorder = recorder or Recorder({"base": PATH})
    warn = (warned if warned is not None else []).append
    return await build_with(recorder, Contexts(Tree("context", context), {"base": Box("base")}), BuildRequest(), warn)


def copies(box: Box) -> list[Placement[Tree]]:
    return [one for call in box.calls if call[0] == "copy" for one in call[1:] if isinstance(one, Placement)]


def commands(box: Box) -> list[str]:
    return [call[1].args[-1] for call in box.calls if call[0] == "run" and isinstance(call[1], RunStep)]


async def test_a_wildcard_becomes_one_placement_a_match(context: Path) -> None:
    box = await build(context, "FROM base\nCOPY *.txt d /x/\n")
    assert [(one.path, one.is_directory, one.dest) for one in copies(box)] == [
        ("a.txt", False, "/x/"),
        ("b.txt", False, "/x/"),
        ("d", True, "/x/"),
    ]


async def test_few_questions(context: Path) -> None:
    recorder = Recorder({"base": PATH})
    await build(context, "FROM base\n" + "COPY a.txt b.txt d /x/\n" * 20 + "FROM base\nCOPY --from=0 /x /y\n", recorder)
    assert recorder.asked == {"config_of": 2, "look_up": 2}


async def test_what_the_files_come_from(context: Path) -> None:
    """Docker's words for each instruction that has a layer (the histories in tests/conformance/dockerfile)."""
    text = "FROM base AS a\nENV A=1\nRUN x\nFROM a AS b\nWORKDIR /w\nUSER u\nCOPY a.txt /\n"
    text += "FROM scratch\nCOPY --from=1 / /\n"
    (context / "Dockerfile").write_text(text)
    contexts = Contexts(Tree("context", context), {"base": Box("base")})
    for target, expected in (
        ("b", ["FROM base", "RUN /bin/sh -c x # buildkit", "WORKDIR /w", "COPY a.txt / # buildkit"]),
        ("", ["COPY / / # buildkit"]),
    ):
        made: list[Made[Box]] = []
        built = await build_with(
            Recorder({"base": PATH}), contexts, BuildRequest(target=target), lambda _: None, made.extend
        )
        assert [one.created_by for one in made] == expected
        assert made[-1].container.calls == built.calls[:-1]


async def test_what_is_in_the_way_is_told_with_its_line(context: Path) -> None:
    class Blocked(Recorder):
        async def copy(self, container: Box, placements: Sequence[Placement[Tree]], warn: Warn) -> Box:
            raise BlockedError("/x is not a directory")

    with pytest.raises(DockerfileError, match=r"Dockerfile:2: /x is not a directory"):
        await build(context, "FROM base\nCOPY d /x\n", Blocked({"base": PATH}))


@pytest.mark.parametrize(
    ("between", "times"),
    [
        ("WORKDIR /y\nENV A=1\nCOPY --chown=staff a.txt /y/", 1),
        ("RUN useradd other", 2),
        ("COPY d /", 2),
        ("COPY d /etc/", 2),
        ("COPY a.txt /etc/passwd", 2),
        ("COPY passwd /x/", 2),
        ("COPY a.txt /etc/npmrc", 1),
        ("FROM base", 1),
        ("FROM 0", 1),
    ],
)
async def test_users_are_looked_up_again_where_there_may_be_others(context: Path, between: str, times: int) -> None:
    (context / "passwd").write_text("")
    recorder = Recorder({"base": PATH})
    again = "COPY --chown=agent:staff a.txt /z/"
    box = await build(context, f"FROM base\nCOPY --chown=agent a.txt /x/\n{between}\n{again}\n", recorder)
    assert len(recorder.described) == times
    assert copies(box)[-1].owner == "1000:50"


async def test_a_missing_file_is_found_before_anything_runs(context: Path) -> None:
    with pytest.raises(DockerfileError) as caught:
        await build(context, "FROM base\nRUN long\nCOPY a.txt missing.txt /x/\n")
    assert str(caught.value) == (
        'Dockerfile:3: "/missing.txt" not found in the build context (is it excluded by .dockerignore?)'
        "\n  | COPY a.txt missing.txt /x/"
    )


async def test_an_ignored_file_is_missing(context: Path) -> None:
    (context / ".dockerignore").write_text("a.*\n")
    with pytest.raises(DockerfileError, match=r'"/a\.txt" not found'):
        await build(context, "FROM base\nCOPY a.txt /x/\n")


async def test_the_dockerfile_itself_may_be_missing(context: Path) -> None:
    with pytest.raises(DockerfileError, match="failed to read dockerfile: Nope is not in the build context"):
        await build_with(Recorder(), Contexts(Tree("context", context)), BuildRequest("Nope"))


async def test_unneeded_stages_are_not_touched(context: Path) -> None:
    box = await build(context, "FROM nowhere AS broken\nRUN no\nFROM base\nRUN yes\n")
    assert (box.name, commands(box)) == ("base", ["yes"])


async def test_a_trigger_may_need_a_stage_that_nothing_else_does(context: Path) -> None:
    recorder = Recorder({"base": ImageConfig(env=(("PATH", "/bin"),), onbuild=("COPY --from=tool /t /t",))})
    box = await build(context, "FROM other AS tool\nRUN make\nFROM base\n", recorder)
    assert [one.tree.name for one in copies(box)] == ["rootfs of other"]


def _calls_between_settlings(box: Box) -> list[int]:
    """How many steps each stretch without a settling has."""
    names = [str(call[0]) for call in box.calls]
    return [len(part.split()) for part in " ".join(names).split("settle")]


async def test_long_files_are_settled_on_the_way(context: Path) -> None:
    box = await build(context, "FROM base\n" + "RUN x\n" * 400)
    assert max(_calls_between_settlings(box)) <= 200
    assert sum(_calls_between_settlings(box)) >= 400


async def test_steps_of_many_calls_are_settled_sooner(context: Path) -> None:
    args = "".join(f"ARG A{number}=1\n" for number in range(30))
    box = await build(context, "FROM base\n" + args + "RUN x\n" * 20)
    runs = [part.count("run") for part in " ".join(str(call[0]) for call in box.calls).split("settle")]
    assert max(runs) <= 4


async def test_exclude_applies_to_a_files_own_name(context: Path) -> None:
    box = await build(context, "FROM base\nCOPY --exclude=b.* *.txt d /x/\n")
    assert [one.path for one in copies(box)] == ["a.txt", "d"]


async def test_a_secret_is_mounted_only_when_there_is_one(context: Path) -> None:
    text = "FROM base\nRUN --mount=type=secret,id=one --mount=type=secret,id=two x\n"
    box = await build(context, text, Recorder({"base": PATH}, secrets=("two",)))
    (mounts,) = [call[2] for call in box.calls if call[0] == "run"]
    assert [mounted.mount.id for mounted in mounts] == ["two"]  # type: ignore[attr-defined]


async def test_a_required_secret_is_named_with_its_line(context: Path) -> None:
    with pytest.raises(DockerfileError, match='Dockerfile:2: secret "tok" is required but was not provided'):
        await build(context, "FROM base\nRUN --mount=type=secret,id=tok,required=true x\n")


async def test_warnings_have_places_and_can_be_silenced(context: Path) -> None:
    warned: list[Warning_] = []
    await build(context, "FROM base\nRUN --network=none x\n", warned=warned)
    assert [str(warning) for warning in warned] == ["Dockerfile:2: no networks here"]
    silenced: list[Warning_] = []
    await build(context, "# check=skip=Network\nFROM base\nRUN --network=none x\n", warned=silenced)
    assert silenced == []


async def test_one_failing_stage_is_one_error(context: Path) -> None:
    text = "FROM base AS a\nRUN --mount=type=ssh,required x\nFROM base AS b\nRUN y\nFROM base\nCOPY --from=a / /\n"
    with pytest.raises(DockerfileError, match='ssh "default" is required but was not provided'):
        await build(context, text + "COPY --from=b / /\n")


async def test_a_pattern_that_matches_nothing_is_told_of(context: Path) -> None:
    """Docker copies nothing and says nothing where the pattern's directory is there, or is the context's root."""
    warned: list[Warning_] = []
    await build(context, "FROM base\nCOPY a.txt *.none /x/\nCOPY d/c.txt d/*.none /x/\n", warned=warned)
    place = "the build context (is it excluded by .dockerignore?)"
    assert [(w.rule, w.place.line, w.message) for w in warned] == [
        ("CopyNoMatch", 2, f'"*.none" matches nothing in {place}: nothing is copied'),
        ("CopyNoMatch", 3, f'"d/*.none" matches nothing in {place}: nothing is copied'),
    ]


async def test_a_pattern_in_a_directory_that_docker_was_not_sent_is_an_error(context: Path) -> None:
    """BuildKit's words; it is sent only what some instruction reads."""
    with pytest.raises(DockerfileError) as caught:
        await build(context, "FROM base\nCOPY a.txt /x/\nCOPY d/*.none /x/\n")
    assert caught.value.line == 3
    assert caught.value.message.startswith(
        'lstat /d: no such file or directory: "d/*.none" matches nothing in the build'
    )
