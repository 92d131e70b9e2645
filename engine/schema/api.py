"""The served API: answers to queries, and to introspection without waiting for what queries need.

graphql-core and the schema take longer to load than the rest of the engine to start, so they are loaded when they are
needed, or behind a client's back.
"""

import functools
import importlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine import digest
from engine.schema.context import Context
from engine.schema.failures import InvalidQuery

_KEPT = "introspection"
_loading = threading.Lock()


@dataclass(frozen=True)
class Api:
    """One schema, by its SDL."""

    sdl: str

    @functools.cached_property
    def queries(self) -> Any:
        """Its engine.schema.queries.Queries, loaded at the first use, by whichever thread is first."""
        with _loading:
            known = self.__dict__.get("queries")
            return known or importlib.import_module("engine.schema.queries").Queries.of(self.sdl)

    @property
    def schema(self) -> Any:
        """The graphql.GraphQLSchema."""
        return self.queries.schema

    @property
    def fields(self) -> Any:
        """The engine.schema.fields.Fields."""
        return self.queries.fields

    @functools.cached_property
    def digest(self) -> str:
        """Names the answers to introspection, and the queries found valid, that may be kept."""
        return digest.of("introspection.v3", self.sdl, version("graphql-core"))[7:39]

    def introspection(self, query: str, root: Path) -> bytes | None:
        """The response to a query that asks for nothing but the schema, kept below ``root``; None for any other.

        Every Python client asks for the whole schema when it connects, and graphql-core takes 0.15 s to tell it.
        """
        if "__schema" not in query:
            return None
        kept = root / _KEPT / digest.of(self.digest, query)[7:]
        if kept.exists():
            return kept.read_bytes()
        try:
            response: bytes | None = self.queries.introspect(query)
        except InvalidQuery:
            return None
        if response is not None:
            kept.parent.mkdir(exist_ok=True)
            temporary = kept.with_suffix(f".{os.getpid()}")
            temporary.write_bytes(response)
            temporary.replace(kept)
        return response

    async def answer(
        self,
        ctx: Context,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation: str | None = None,
        root: Path | None = None,
    ) -> dict[str, Any]:
        """The response's ``data``. Raises InvalidQuery before anything ran, FieldError for what happened then.

        Below ``root``, if any, it is kept that a query like this one is valid.
        """
        kept = root and root / _KEPT / f"valid-{self.digest}"
        data: dict[str, Any] = await self.queries.answer(ctx, query, variables, operation, kept)
        return data


@functools.cache
def core() -> Api:
    """The API of the SDL beside this module."""
    return Api((Path(__file__).with_name("api.graphql")).read_text())
