"""Every case in ``api/*.yaml``: one query, and what the API's documentation or a real engine's source says of it.

A case has a ``name``, its ``source``, a ``query``, and one of: ``is`` (the innermost value), ``matches`` (a regular
expression for it), ``error`` (one to be found in the error's message; ``extensions`` are compared if given, and what
they begin with if ``starts`` says so). ``unordered`` lists are compared as sets.
``given`` names objects whose IDs stand in the query as ``$name``; each may use the ones before it. A query that
begins with ``busybox{`` starts at a container with a shell.
``deliberate`` is the reason why a Dagger engine answers otherwise, and ours is to stay as it is. ``alone`` names the
reason of tests/alone.py why a plain user's engine cannot.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests import alone
from tests.conformance.cases import CASES, check, leaf

pytestmark = pytest.mark.root


def _cases() -> list[Any]:
    marks = {name: getattr(alone, case["alone"]) for name, case in CASES.items() if "alone" in case}
    return [pytest.param(name, marks=marks.get(name, ())) for name in CASES]


@pytest.mark.parametrize("name", _cases())
def test_case(name: str, client: Any, recorder: Any) -> None:
    case = CASES[name]
    if client.real and "deliberate" in case and not recorder:
        pytest.skip(f"a deliberate difference: {case['deliberate']}")
    known: dict[str, str] = {"$host": str(client.directory), "$git": client.git, "$commit": client.commit}
    for given, query in case.get("given", {}).items():
        known[f"${given}"] = leaf(answered(client, with_id(query), known)["data"])
    answer = answered(client, case["query"], known)
    if recorder:
        recorder.note(name, case, answer, known)
        return
    check(case, answer, known)


def answered(client: Any, query: str, known: Mapping[str, str]) -> dict[str, Any]:
    text = query.strip()
    if text.startswith("busybox"):
        text = client.busybox + text.removeprefix("busybox").removeprefix("{") + "}"
    for name, value in known.items():
        text = text.replace(name, value)
    answer: dict[str, Any] = client.ask("{" + text + "}")
    return answer


def with_id(chain: str) -> str:
    """The query with ``id`` asked for at its innermost level: ``directory`` or ``directory{file(path:"a")}``.

    One that ends in ``start``, which answers with an ID, stays as it is.
    """
    if chain.rstrip("} \n").endswith("{start"):
        return chain
    braces = len(chain) - len(chain.rstrip("} \n"))
    inner = chain[: len(chain) - braces] if braces else chain
    return inner + "{id}" + chain[len(chain) - braces :] if braces else chain + "{id}"
