"""docs/reference/dockerfile.md names every instruction, flag and field that is read, and every check."""

import re
from pathlib import Path

import pytest

from baselard.dockerfile.plan.mounts import KEYS, KINDS
from baselard.dockerfile.syntax.parsers import PARSERS

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/reference/dockerfile.md").read_text()
TABLE = TEXT[TEXT.index("| instruction |") : TEXT.index("**Config keys without a call.**")]
OPTIONS = sorted({(name, flag) for name, (flags, _) in PARSERS.items() for flag in flags})


def _rows() -> list[tuple[str, str]]:
    """(instructions, the rest) of every row; an empty first cell continues the one above."""
    rows, current = [], ""
    for line in TABLE.splitlines()[2:]:
        cells = line.strip("|").split("|", 1)
        if len(cells) == 2:
            current = cells[0].strip() or current
            rows.append((current, cells[1]))
    return rows


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_every_instruction_has_a_row(name: str) -> None:
    assert any(f"`{name}`" in head for head, _ in _rows())


@pytest.mark.parametrize(("name", "flag"), OPTIONS)
def test_every_flag_has_a_row(name: str, flag: str) -> None:
    said = " ".join(rest for head, rest in _rows() if f"`{name}`" in head)
    if name == "HEALTHCHECK":
        assert "all options" in said
    else:
        assert re.search(rf"`--{flag}\b", said)


@pytest.mark.parametrize("word", sorted({*KINDS, *KEYS} - {"type", "readwrite"}))
def test_every_field_of_a_mount_has_a_row(word: str) -> None:
    said = " ".join(rest for head, rest in _rows() if "`RUN`" in head)
    assert re.search(rf"`{word}`|type={word}\b", said)


def test_every_row_says_where_it_is_supported() -> None:
    for head, rest in _rows():
        assert rest.split("|")[1].strip() in ("both", "`dockerBuild`", "embedded engine"), (head, rest)


RULES = [  # https://docs.docker.com/reference/build-checks/
    "StageNameCasing",
    "FromAsCasing",
    "NoEmptyContinuation",
    "ConsistentInstructionCasing",
    "DuplicateStageName",
    "ReservedStageName",
    "JSONArgsRecommended",
    "MaintainerDeprecated",
    "UndefinedArgInFrom",
    "WorkdirRelativePath",
    "UndefinedVar",
    "MultipleInstructionsDisallowed",
    "LegacyKeyValueFormat",
    "RedundantTargetPlatform",
    "SecretsUsedInArgOrEnv",
    "InvalidDefaultArgInFrom",
    "FromPlatformFlagConstDisallowed",
    "CopyIgnoredFile",
    "InvalidDefinitionDescription",
    "ExposeProtoCasing",
    "ExposeInvalidFormat",
    "InvalidBaseImagePlatform",
]


@pytest.mark.parametrize("rule", RULES)
def test_every_check_is_made_or_says_why_not(rule: str) -> None:
    row = next(line for line in TEXT.splitlines() if f"`{rule}`" in line)
    made = any(f'"{rule}"' in path.read_text() for path in (ROOT / "src/baselard/dockerfile").rglob("*.py"))
    assert made == row.endswith("| checked |")
