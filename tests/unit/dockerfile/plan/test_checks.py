import pytest

from baselard.dockerfile.plan.checks import check
from baselard.dockerfile.plan.lower import lower_stage
from baselard.dockerfile.plan.stages import BuildOptions, make_plan
from baselard.dockerfile.syntax.text import parse
from baselard.oci.image_config import ImageConfig

ASKED = "# check=skip=none\n"


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("FROM a AS x\nFROM b AS x\n", "DuplicateStageName", 3),
        ("FROM a AS scratch\n", "ReservedStageName", 2),
        ("FROM --platform=$TARGETPLATFORM a\n", "RedundantTargetPlatform", 2),
        ("FROM a\nWORKDIR app\n", "WorkdirRelativePath", 3),
        ("FROM a\nCMD run it\n", "JSONArgsRecommended", 3),
        ("FROM a\nMAINTAINER me\n", "MaintainerDeprecated", 3),
        ('FROM a\nCMD ["a"]\nCMD ["b"]\n', "MultipleInstructionsDisallowed", 3),
        ("FROM a\nENV DB_PASSWORD=x\n", "SecretsUsedInArgOrEnv", 3),
        ("FROM a AS Big\n", "StageNameCasing", 2),
        ("FROM a as x\n", "FromAsCasing", 2),
        ("FROM a\nrun b\nRUN c\n", "ConsistentInstructionCasing", 3),
        ("FROM a\nENV k some value\n", "LegacyKeyValueFormat", 3),
        ("FROM a\nLABEL 'k k' v=1\n", "LegacyKeyValueFormat", 3),
        ("FROM --platform=linux/arm64 a AS x\n", "FromPlatformFlagConstDisallowed", 2),
        ("FROM a\nEXPOSE 80/TCP\n", "ExposeProtoCasing", 3),
        ("FROM a\nEXPOSE 127.0.0.1:80:80\n", "ExposeInvalidFormat", 3),
        ("FROM a:${VARIANT:-b}\n", "UndefinedArgInFrom", 2),
        ("ARG TAG\nFROM a:$TAG\n", "InvalidDefaultArgInFrom", 3),
    ],
)
def test_a_rule_finds_its_line(text: str, rule: str, line: int) -> None:
    (warning,) = check(parse(ASKED + text))
    assert (warning.rule, warning.place.line) == (rule, line)
    assert check(parse(text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        'FROM a AS x\nSHELL ["sh", "-c"]\nCMD run it\nWORKDIR /a\nWORKDIR b\nENV PUBLIC_KEY=1 KEYBOARD=2\n',
        'FROM a\nCMD ["a"]\nFROM b\nCMD ["b"]\n',
        "ARG TAG=1\nFROM --platform=$BUILDPLATFORM a:$TAG AS x\nFROM --platform=linux/arm64 b AS on-arm64\nFROM x\n",
        "from a as x\nenv k=v 'l m'=n\nlabel \"a b\"=c\nexpose 80/tcp $P/TCP\nfrom scratch\n",
    ],
)
def test_nothing_to_find(text: str) -> None:
    assert check(parse(ASKED + text)) == ()


@pytest.mark.parametrize(
    ("line", "messages"),
    [
        ("WORKDIR /$UNSET", ["Usage of undefined variable '$UNSET'"]),
        ("LABEL a=$JAVA_HOM", ["Usage of undefined variable '$JAVA_HOM' (did you mean $JAVA_HOME?)"]),
        ("ENV A=${UNSET:-a} B='$UNSET' C=\\$UNSET D=$JAVA_HOME", []),
        ("ARG GIVEN_OR_NOT\nUSER $GIVEN_OR_NOT", []),
        ("RUN echo $UNSET", []),
    ],
)
def test_variables_that_nothing_sets(line: str, messages: list[str]) -> None:
    plan = make_plan(parse(f"FROM a\n{line}\n"), BuildOptions({}))
    lowered = lower_stage(plan, plan.stages[0], ImageConfig(env=(("JAVA_HOME", "/java"),)))
    assert [warning.message for warning in lowered.warnings] == messages
