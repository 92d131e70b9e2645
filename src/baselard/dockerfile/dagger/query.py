"""Several fields of one object in one round trip, which dagger-io's typed methods ask for one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import dagger
import gql
from gql.transport.exceptions import TransportQueryError

from baselard.dockerfile.dagger.known import id_of


async def select(owner: dagger.Container | dagger.Directory, selection: str) -> Mapping[str, Any]:
    """The selected fields of a container or directory.

    Raises dagger.QueryError, or its dagger.ExecError, when what leads to the object fails.
    """
    kind = type(owner).__name__
    query = gql.gql(f"{{ node(id: {json.dumps(await id_of(owner))}) {{ ... on {kind} {{ {selection} }} }} }}")
    try:
        # There is no public way to send a query; dagger-io is pinned below its next minor version.
        answer = await owner._ctx.conn.session.execute(query)
    except TransportQueryError:
        await owner.sync()  # fails alike, and as the typed error that callers know
        raise
    found: Mapping[str, Any] = answer["node"]
    return found
