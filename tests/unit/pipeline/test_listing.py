"""The listing of examples: a table for people, JSON for programs; both say the same."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline import listing
from pipeline.config.config import ExampleSettings, QuarantineSettings, TestSettings
from pipeline.conventions import From
from pipeline.errors import UsageError
from pipeline.project import Example

GOSS = (TestSettings("goss", ("goss.yaml",)),)
BASIC = (TestSettings("basic"),)
EXCUSE = QuarantineSettings(reason="mirror é", link="https://x", until="2001-01-01")
PROJECT: Any = SimpleNamespace(
    examples=(
        Example(
            "a",
            "examples/a",
            ExampleSettings(),
            (From("b:1", 1), From("b:1", 3)),
            (TestSettings("goss", ("goss.yaml",)),),
        ),
        Example("c", "examples/c", ExampleSettings(quarantine=EXCUSE), tests=BASIC),
    )
)


def test_a_line_for_each_example():
    assert listing.examples(PROJECT) == (
        "EXAMPLE  FROM     TEST   NOTE\n"
        "a        b:1      goss\n"
        "c        scratch  basic  quarantine expired 2001-01-01: mirror é"
    )


def test_json_has_the_same_and_more():
    assert json.loads(listing.examples(PROJECT, "json")) == [
        {"name": "a", "directory": "examples/a", "from": ["b:1"], "tests": ["goss"], "quarantine": None, "problem": ""},
        {
            **{"name": "c", "directory": "examples/c", "from": [], "tests": ["basic"], "problem": ""},
            "quarantine": {"reason": "mirror é", "link": "https://x", "until": "2001-01-01", "expired": True},
        },
    ]


def test_another_format_is_told():
    with pytest.raises(UsageError, match="--format yaml: there is text and json"):
        listing.examples(PROJECT, "yaml")
