"""Env files against what Dagger's own parser makes of them (core/dotenv at 0.21.8, recorded in env_files.json).

It was asked with ``HOME=/home/me`` as the only variable outside. ``refused`` marks what a whole shell knows and ours
says no to; of an error only that there is one counts.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.api.more.objects.env_file import EnvFile
from baselard.engine.errors import UserError

RECORDED = json.loads(Path(__file__).with_name("env_files.json").read_text())


def outside(name: str) -> str:
    return {"HOME": "/home/me"}.get(name, "")


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: "; ".join(recorded["lines"]))
def test_values(recorded: dict[str, Any]) -> None:
    file = EnvFile.parse("\n".join(recorded["lines"]))
    if "error" in recorded or recorded.get("refused"):
        with pytest.raises(UserError):
            file.values(outside=outside)
    else:
        assert file.values(outside=outside) == recorded["is"]


def test_what_fails_says_which_variable_and_why() -> None:
    for text, says in {
        "a=$X": "^a: X: unbound variable$",
        "a=`ls`": "^a: unexpected command substitution$",
        "what is this": '^parse error: "what is this=": not a bare assignment$',
        "a=$((1))": "arithmetic is not served",
    }.items():
        with pytest.raises(UserError, match=says):
            EnvFile.parse(text).values()


def test_one_value_does_not_need_the_others_to_be_worth_something() -> None:
    file = EnvFile.parse("A=$NONE\nB=1")
    assert file.value("B") == "1"
    with pytest.raises(UserError, match="unbound"):
        file.value("A")
    assert file.checked() == file


def test_what_can_have_no_value_is_told_at_once() -> None:
    for text in ("A=$(ls)", "A='", "no assignment"):
        with pytest.raises(UserError):
            EnvFile.parse(text).checked()


def test_as_written() -> None:
    file = EnvFile.parse("# c\n\n export A='x'\nB=$A\n")
    assert file.value("A", raw=True) == "'x'"
    assert file.text() == "# c=\nA='x'\nB=$A\n"
    assert file.values() == {"A": "x", "B": "x"}
    assert file.value("NONE") == file.value("NONE", raw=True) == ""


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("my-app", ["X", "b", "y"]),
        ("my_app_", ["X", "b", "y"]),
        ("myApp", ["X", "b", "y"]),
        ("my", ["APP_X", "app_y"]),
        ("other", []),
    ],
)
def test_a_namespace(prefix: str, names: list[str]) -> None:
    """core/integration/envfile_test.go, TestNamespace: snake or camel case, letter case apart."""
    file = EnvFile.parse("MY_APP_X=${ROOT}/x\nmyApp_b=2\nmy_app_y=3\nROOT=/r\nMYAPP=4")
    found = file.namespace(prefix)
    assert [name for name, _ in found.raw] == names
    if "X" in names:
        assert found.values()["X"] == "/r/x"
        assert found.value("ROOT") == ""
