"""The served API: schema, introspection and execution of one request's query."""

import functools
import importlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import graphql
from graphql import DocumentNode, FragmentDefinitionNode, GraphQLError, GraphQLSchema, OperationDefinitionNode
from graphql.execution.values import VariableValues, get_variable_values
from graphql.language import parser

from engine import digest
from engine.schema.context import Context
from engine.schema.execute import Execution
from engine.schema.fields import Fields

MAX_DEPTH = 2000
"""How deep a query may nest. graphql-core stops at 200; a client's chain of calls is as deep as it is long."""

_FRAMES_PER_LEVEL = 12
"""Python frames the parser and the validator use for one level, with room to spare."""


class InvalidQuery(Exception):  # noqa: N818 -- it is the request that is invalid, and the name says so
    """The request's query cannot be run; ``errors`` say where and why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


@dataclass(frozen=True)
class Api:
    """One schema, from its SDL, and everything needed to answer queries with it; made ready at the first query."""

    sdl: str

    @functools.cached_property
    def schema(self) -> GraphQLSchema:
        importlib.import_module("engine.schema.served")
        allow_deep_queries()
        return build(self.sdl)

    @functools.cached_property
    def fields(self) -> Fields:
        return Fields(self.schema)

    @functools.cached_property
    def digest(self) -> str:
        """Names the answers to introspection that may be kept."""
        return digest.of("introspection.v1", self.sdl, graphql.version)[7:39]

    def introspection(self, query: str, root: Path) -> bytes | None:
        """The response to a query that asks for nothing but the schema, kept below ``root``; None for any other.

        Every Python client asks for the whole schema when it connects, and graphql-core takes 0.15 s to tell it.
        """
        if "__schema" not in query:
            return None
        kept = root / "introspection" / digest.of(self.digest, query)[7:]
        if kept.exists():
            return kept.read_bytes()
        try:
            response = self._introspect(query)
        except InvalidQuery:
            return None
        if response is not None:
            kept.parent.mkdir(exist_ok=True)
            temporary = kept.with_suffix(f".{os.getpid()}")
            temporary.write_bytes(response)
            temporary.replace(kept)
        return response

    def _introspect(self, query: str) -> bytes | None:
        document = self._checked(query)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        if len(operations) != 1 or operations[0].variable_definitions or not _introspects(operations[0]):
            return None
        result = graphql.execute_sync(self.schema, document)
        return None if result.errors else json.dumps({"data": result.data}, separators=(",", ":")).encode()

    async def answer(
        self, ctx: Context, query: str, variables: Mapping[str, Any] | None = None, operation: str | None = None
    ) -> dict[str, Any]:
        """The response's ``data``. Raises InvalidQuery before anything ran, FieldError for what happened then."""
        document = self._checked(query)
        chosen = _operation(document, operation)
        if _introspects(chosen):
            return self._described(document, variables, operation)
        coerced = get_variable_values(self.schema, chosen.variable_definitions or (), dict(variables or {}))
        if not isinstance(coerced, VariableValues):
            raise InvalidQuery(list(coerced))
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        return await Execution(self.schema, self.fields, fragments, coerced, ctx).run(chosen.selection_set)

    def _checked(self, query: str) -> DocumentNode:
        try:
            document = graphql.parse(query)
        except GraphQLError as error:
            raise InvalidQuery([error]) from error
        if errors := graphql.validate(self.schema, document):
            raise InvalidQuery(errors)
        return document

    def _described(
        self, document: DocumentNode, variables: Mapping[str, Any] | None, operation: str | None
    ) -> dict[str, Any]:
        result = graphql.execute_sync(
            self.schema, document, variable_values=dict(variables or {}), operation_name=operation
        )
        if result.errors:
            raise InvalidQuery(result.errors)
        return result.data or {}


@functools.cache
def core() -> Api:
    """The API of the SDL beside this module."""
    return Api((Path(__file__).with_name("api.graphql")).read_text())


def build(sdl: str) -> GraphQLSchema:
    """A schema whose enum members stand for what their ``@enumValue`` says: two spellings, one value."""
    schema = graphql.build_schema(sdl, assume_valid=True, assume_valid_sdl=True)
    for kind in schema.type_map.values():
        if isinstance(kind, graphql.GraphQLEnumType) and not kind.name.startswith("__"):
            for name, member in kind.values.items():
                member.value = _underlying(member) or name
    return schema


def _underlying(member: graphql.GraphQLEnumValue) -> str:
    for directive in (member.ast_node and member.ast_node.directives) or ():
        for argument in directive.arguments or ():
            if directive.name.value == "enumValue" and isinstance(argument.value, graphql.StringValueNode):
                return argument.value.value
    return ""


def allow_deep_queries() -> None:
    """Let graphql-core parse and validate queries of MAX_DEPTH levels, in this whole process."""
    validation: Any = importlib.import_module("graphql.validation.validate")  # the package has a function of that name
    parser.MAX_NESTING_DEPTH = validation.MAX_NESTING_DEPTH = MAX_DEPTH
    sys.setrecursionlimit(max(sys.getrecursionlimit(), MAX_DEPTH * _FRAMES_PER_LEVEL))


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    for operation in operations:
        if name is not None and operation.name and operation.name.value == name:
            return operation
    raise InvalidQuery([GraphQLError(f"unknown operation {name!r}" if name else "name the operation to run")])


def _introspects(operation: OperationDefinitionNode) -> bool:
    """Whether the operation asks for nothing but the schema. Raises InvalidQuery if it asks for both."""
    nodes = operation.selection_set.selections
    about_schema = [isinstance(node, graphql.FieldNode) and node.name.value in ("__schema", "__type") for node in nodes]
    if any(about_schema) and not all(about_schema):
        raise InvalidQuery([GraphQLError("ask for __schema and __type in a query on its own")])
    return all(about_schema)
