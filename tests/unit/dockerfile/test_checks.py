import pytest

from dockerfile.checks import check
from dockerfile.syntax import parse

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
    ],
)
def test_nothing_to_find(text: str) -> None:
    assert check(parse(ASKED + text)) == ()
