"""The served API: answers to queries, and to introspection without waiting for what queries need.

graphql-core and the schema take longer to load than the rest of the engine to start, so they are loaded when they are
needed, or behind a client's back.
"""

import functools
import gc
import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from baselard.engine.api.query.context import Context
from baselard.engine.api.query.failures import InvalidQuery
from baselard.engine.api.query.registry import Registry
from baselard.engine.solver import digest
from baselard.oci.text import JSON

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from baselard.engine.api.query.fields import Fields
    from baselard.engine.api.query.queries import Queries

VERSION = "v0.21.11"
"""The version of the API that is served; clients log it and compare it to their own."""

_VERSION_ALONE = re.compile(r"\s*(?:query\b[^{]*)?\{\s*__schemaVersion\s*\}\s*")
_KEPT = "introspection"
_AT_ONCE = 10_000
"""Objects that come about until it is looked which are garbage; a long query has a hundred thousand in use."""
_loading = threading.Lock()


@dataclass(frozen=True)
class Api:
    """One schema, by its SDL. ``register`` imports what answers its fields, when a query first needs them."""

    sdl: str
    register: Callable[[], Registry] = Registry

    @functools.cached_property
    def queries(self) -> "Queries":
        """Its parsed schema and served fields, loaded at the first use, by whichever thread is first."""
        with _loading:
            known = self.__dict__.get("queries")
            return known or self._load()

    def load(self) -> None:
        """Load what answering needs, before the first query waits for it."""
        _ = self.queries

    def _load(self) -> "Queries":
        from baselard.engine.api.query.queries import Queries  # graphql-core takes long to import

        queries = Queries.of(self.sdl, self.register())
        gc.freeze()  # it stays, so no collection need look through it
        gc.set_threshold(_AT_ONCE)
        return queries

    @property
    def schema(self) -> "GraphQLSchema":
        """As graphql-core has it."""
        return self.queries.schema

    @property
    def fields(self) -> "Fields":
        """The fields of it that are served."""
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
        if _VERSION_ALONE.fullmatch(query):
            return b'{"data":{"__schemaVersion":"%s"}}' % VERSION.encode()
        kept = root / _KEPT / digest.of(self.digest, query)[7:]
        if kept.exists():
            return kept.read_bytes()
        try:
            response = self.queries.introspect(query)
        except InvalidQuery:
            return None
        if response is not None:
            kept.parent.mkdir(exist_ok=True)
            temporary = kept.with_suffix(f".{os.getpid()}")
            temporary.write_bytes(response)
            temporary.replace(kept)
        return response

    def described(self) -> bytes:
        """The whole schema, as introspection tells it."""
        return self.queries.described()

    async def answer(
        self,
        ctx: Context,
        query: str,
        variables: Mapping[str, JSON] | None = None,
        operation: str | None = None,
        root: Path | None = None,
    ) -> dict[str, JSON]:
        """The response's ``data``. Raises InvalidQuery before anything ran, FieldError for what happened then.

        Below ``root``, if any, it is kept that a query like this one is valid.
        """
        kept = root and root / _KEPT / f"valid-{self.digest}"
        try:
            return await self.queries.answer(ctx, query, variables, operation, kept)
        finally:
            ctx.settle()
