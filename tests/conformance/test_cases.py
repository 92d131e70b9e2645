"""Every case in ``api/*.yaml``: one query, and what the API's documentation or a real engine's source says of it.

A case has a ``name``, its ``source``, a ``query``, and one of: ``is`` (the innermost value), ``matches`` (a regular
expression for it), ``error`` (one to be found in the error's message; ``extensions`` are compared if given, and what
they begin with if ``starts`` says so).
``given`` names objects whose IDs stand in the query as ``$name``; each may use the ones before it. A query that
begins with ``busybox{`` starts at a container with a shell.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.root

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(Path(__file__).with_name("api").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], client: Any) -> None:
    known: dict[str, str] = {"$host": str(client.directory), "$git": client.git, "$commit": client.commit}
    for name, query in case.get("given", {}).items():
        known[f"${name}"] = leaf(answered(client, with_id(query), known)["data"])
    answer = answered(client, case["query"], known)
    if "error" in case:
        check_error(case, answer)
        return
    assert "errors" not in answer, answer["errors"]
    value = leaf(answer["data"])
    if "matches" in case:
        assert re.fullmatch(case["matches"], str(value), re.DOTALL), value
    else:
        assert value == known.get(str(case["is"]), case["is"])


def check_error(case: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    assert answer.get("errors"), answer
    error = answer["errors"][0]
    assert re.search(case["error"], error["message"]), error["message"]
    for key, value in case.get("extensions", {}).items():
        assert error["extensions"][key] == value
    for key, value in case.get("starts", {}).items():
        assert error["extensions"][key].startswith(value)


def answered(client: Any, query: str, known: Mapping[str, str]) -> dict[str, Any]:
    text = query.strip()
    if text.startswith("busybox"):
        text = client.busybox + text.removeprefix("busybox").removeprefix("{") + "}"
    for name, value in known.items():
        text = text.replace(name, value)
    answer: dict[str, Any] = client.ask("{" + text + "}")
    return answer


def with_id(chain: str) -> str:
    """The query with ``id`` asked for at its innermost level: ``directory`` or ``directory{file(path:"a")}``."""
    braces = len(chain) - len(chain.rstrip("} \n"))
    inner = chain[: len(chain) - braces] if braces else chain
    return inner + "{id}" + chain[len(chain) - braces :] if braces else chain + "{id}"


def leaf(value: Any) -> Any:
    """The value at the end of a chain of single fields."""
    while isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return value
