import pytest

from baselard.dockerfile.plan import entitlements
from baselard.dockerfile.plan.lower import Lowered, lower_stage
from baselard.dockerfile.plan.stages import BuildOptions, make_plan
from baselard.dockerfile.plan.steps import Configure, CopyStep, MakeDirectory, RunStep, Step
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.dockerfile.syntax.text import parse
from baselard.oci.image_config import ImageConfig

PATH = {"PATH": "/bin"}


def lower(body: str, base: ImageConfig | None = None, allow: frozenset[str] = frozenset(), **args: str) -> Lowered:
    plan = make_plan(parse("FROM x\n" + body), BuildOptions(args, allow=allow))
    return lower_stage(plan, plan.stages[0], base or ImageConfig(env=tuple(PATH.items())))


def runs(found: Lowered) -> list[RunStep]:
    return [step for step in found.steps if isinstance(step, RunStep)]


def kinds(found: Lowered) -> list[type[Step]]:
    return [type(step) for step in found.steps]


def test_neighbouring_settings_are_one_step() -> None:
    assert kinds(lower("ENV A=1\nLABEL b=2\nUSER c\nEXPOSE 1\nCMD d\nRUN e")) == [Configure, RunStep, Configure]


def test_path_is_always_set() -> None:
    assert lower("RUN a", ImageConfig()).config.env_value("PATH")


def test_build_args_are_seen_by_a_run_and_stay_out_of_the_config() -> None:
    found = lower("ARG A=1\nENV B=$A\nRUN x", A="2")
    assert runs(found)[0].env == {"A": "2"}
    assert dict(found.config.env) == {**PATH, "B": "2"}


def test_an_arg_shadows_an_env_only_while_running() -> None:
    found = lower("ENV V=env\nARG V=arg\nRUN x\nENV W=$V")
    assert runs(found)[0].env == {"V": "arg"}
    assert dict(found.config.env) == {**PATH, "V": "env", "W": "arg"}


def test_proxies_are_no_part_of_any_cache_key() -> None:
    found = lower("RUN x", HTTP_PROXY="http://p")
    assert (runs(found)[0].env, runs(found)[0].proxies) == (
        {},
        {"HTTP_PROXY": "http://p", "http_proxy": "http://p"},
    )


def test_shell_applies_from_its_line_on() -> None:
    found = lower('RUN a\nSHELL ["bash", "-c"]\nRUN b\nRUN ["c"]')
    assert [step.args for step in runs(found)] == [("/bin/sh", "-c", "a"), ("bash", "-c", "b"), ("c",)]


def test_a_heredoc_with_an_interpreter_is_mounted_as_a_program() -> None:
    (step,) = runs(lower("RUN <<X\n#!/bin/ash\necho\nX\n"))
    assert step.args == ("/bin/sh", "-c", "/dev/pipes/X")
    assert step.mounts[0].target == "/dev/pipes/"
    assert step.mounts[0].read_only


def test_workdir_is_made_for_the_user() -> None:
    found = lower("USER app\nWORKDIR /a\nWORKDIR b\nWORKDIR /")
    assert [s for s in found.steps if isinstance(s, MakeDirectory)] == [
        MakeDirectory(found.steps[1].place, "/a", "app"),
        MakeDirectory(found.steps[3].place, "/a/b", "app"),
    ]
    assert found.config.workdir == "/"


def test_copy_destinations_start_at_the_workdir() -> None:
    found = lower("WORKDIR /w\nCOPY a .\nCOPY a b\nCOPY a /c/")
    assert [step.dest for step in found.steps if isinstance(step, CopyStep)] == ["/w/", "/w/b", "/c/"]


def test_entrypoint_drops_only_the_bases_command() -> None:
    base = ImageConfig(env=tuple(PATH.items()), cmd=("base",))
    assert lower('ENTRYPOINT ["e"]', base).config.cmd == ()
    assert lower('CMD ["c"]\nENTRYPOINT ["e"]', base).config.cmd == ("c",)


def test_triggers_run_first_and_are_not_passed_on() -> None:
    found = lower("RUN own", ImageConfig(env=tuple(PATH.items()), onbuild=("RUN trigger",)))
    assert [step.args[-1] for step in runs(found)] == ["trigger", "own"]
    assert found.config.onbuild == ()


HOST, INSECURE = "network.host", "security.insecure"


@pytest.mark.parametrize(("flag", "name"), [("--network=host", HOST), ("--security=insecure", INSECURE)])
def test_what_is_not_allowed_is_refused_with_its_line(flag: str, name: str) -> None:
    """The names are docker's: ``docker buildx build --allow``."""
    with pytest.raises(DockerfileError, match=f":2: {name} is not allowed: a command with {flag}"):
        lower(f"RUN {flag} x", allow=frozenset({HOST, INSECURE} - {name}))
    assert runs(lower(f"RUN {flag} x", allow=frozenset({name})))


@pytest.mark.parametrize(("flag", "name"), [("--network=host", HOST), ("--security=insecure", INSECURE)])
def test_a_bases_trigger_is_allowed_no_more(flag: str, name: str) -> None:
    base = ImageConfig(env=tuple(PATH.items()), onbuild=(f"RUN {flag} x",))
    with pytest.raises(DockerfileError, match=f":1: {name} is not allowed"):
        lower("RUN own", base)
    assert runs(lower("RUN own", base, allow=frozenset({name})))


def test_entitlements_are_read_from_words() -> None:
    assert entitlements.read([f"{HOST},{INSECURE}", " ", ""]) == {HOST, INSECURE}
    with pytest.raises(ValueError, match=r"there is no entitlement network; there is network.host and security"):
        entitlements.read(["network"])


def test_network_and_security_are_kept_for_the_engine() -> None:
    (step,) = runs(lower("RUN --network=none --security=insecure x", allow=frozenset({"security.insecure"})))
    assert (step.network, step.security) == ("none", "insecure")
