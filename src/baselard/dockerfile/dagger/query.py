"""Several fields of one object in one round trip, which dagger-io's typed methods ask for one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagger

# There is no public way to select two fields; dagger-io is pinned below its next minor version.
from dagger.client._core import Field

Owner = dagger.Container | dagger.Directory


async def select(owner: Owner, fields: Mapping[str, Field]) -> Mapping[str, Any]:
    """The fields of a container or directory, by the names that they shall have in the answer.

    Raises dagger.QueryError, or its dagger.ExecError, when what leads to the object fails.
    """
    context = owner._ctx
    *before, last = context.selections
    asked = replace(context, selections=deque([*before, replace(last, children=dict(fields))]))
    answer: Mapping[str, Any] = await asked.execute(dict[str, Any])
    return answer


def field(owner: Owner, name: str, parts: Mapping[str, Field] | None = None, **args: Any) -> Field:
    """The field `name` of an object's kind, with GraphQL's arguments, and the wanted parts of what it gives."""
    return Field(type(owner)._graphql_name(), name, args, dict(parts or {}))


def parts(kind: str, *names: str) -> dict[str, Field]:
    """Fields without arguments of what another field gives."""
    return {name: Field(kind, name, {}) for name in names}


def exists(owner: Owner, path: str, kind: str = "") -> Field:
    """Whether there is something at the path, or a DIRECTORY or SYMLINK; links are followed but for SYMLINK itself."""
    args = {"path": path, **({"expectedType": f"{kind}_TYPE"} if kind else {})}
    return Field(type(owner)._graphql_name(), "exists", args)
