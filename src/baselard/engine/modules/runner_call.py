"""The call that a function's process is there for, as the SDK asks about it. Loaded by runner.py.

The SDK asks for each part of the call, and of each of its arguments, in a query of its own; here one query asks for
all.
"""

from collections.abc import Mapping
from typing import Any

import gql
from dagger.client import _session as session
from graphql import DocumentNode, FieldNode

Way = tuple[str, ...]
"""The fields on the way to the one value that a query asks for, each followed by its arguments' values."""
CALL = "currentFunctionCall"
QUERY = gql.gql("{ currentFunctionCall { parentName name parent inputArgs { id name value } } }")
PARTS = [(CALL, "parentName"), (CALL, "name"), (CALL, "parent"), (CALL, "inputArgs", "id")]


def ask_once() -> None:
    """Have the SDK's client know the whole call when it has asked for one part of it."""
    real = session.ClientSession.execute
    known: dict[Way, Any] = {}

    async def execute(self: session.ClientSession, query: gql.GraphQLRequest) -> Any:
        asked = way(query.document)
        if asked in PARTS and not known:
            known.update(answers(await real(self, QUERY)))
        return known[asked] if asked in known else await real(self, query)

    session.ClientSession.execute = execute  # type: ignore[method-assign]


def way(document: DocumentNode) -> Way:
    """The way of a query; empty for one of another shape."""
    names: list[str] = []
    level: Any = document.definitions[0]
    while level.selection_set:
        if len(level.selection_set.selections) != 1:
            return ()
        (level,) = level.selection_set.selections
        if isinstance(level, FieldNode):
            if level.alias and level.alias.value != level.name.value:
                return ()
            names += [level.name.value, *(getattr(one.value, "value", "") for one in level.arguments or ())]
    return tuple(names)


def answers(data: Mapping[str, Any]) -> dict[Way, Any]:
    """The data of queries by their ways, from that of QUERY."""
    told = data[CALL]
    known: dict[Way, Any] = {(CALL, name): {CALL: {name: told[name]}} for name in ("parentName", "name", "parent")}
    known[CALL, "inputArgs", "id"] = {CALL: {"inputArgs": [{"id": one["id"]} for one in told["inputArgs"]]}}
    for one in told["inputArgs"]:
        known |= {("node", one["id"], name): {"node": {name: one[name]}} for name in ("name", "value")}
    return known
