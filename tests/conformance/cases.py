"""The cases in ``api/*.yaml``, and what an answer is worth against one."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CASES: dict[str, dict[str, Any]] = {
    f"{path.stem}: {case['name']}": case
    for path in sorted(HERE.glob("api/*.yaml"))
    for case in yaml.safe_load(path.read_text())
}
"""By file and name."""


def check(case: Mapping[str, Any], answer: Mapping[str, Any], known: Mapping[str, str]) -> None:
    """Assert that a JSON response is what ``case`` expects; ``known`` are the texts that stand for ``$names``."""
    if "error" in case:
        _check_error(case, answer)
        return
    assert "errors" not in answer, answer["errors"]
    value = leaf(answer["data"])
    if "matches" in case:
        assert re.fullmatch(case["matches"], str(value), re.DOTALL), value
        return
    wanted = known.get(str(case["is"]), case["is"])
    if case.get("unordered"):
        value, wanted = sorted(value, key=str), sorted(wanted, key=str)
    assert value == wanted


def _check_error(case: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    assert answer.get("errors"), answer
    error = answer["errors"][0]
    assert re.search(case["error"], error["message"]), error["message"]
    for key, value in case.get("extensions", {}).items():
        assert error["extensions"][key] == value
    for key, value in case.get("starts", {}).items():
        assert error["extensions"][key].startswith(value)


def leaf(value: Any) -> Any:
    """The value at the end of a chain of single fields."""
    while isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return value
