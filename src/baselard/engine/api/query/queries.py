"""Queries checked against a schema and run, or answered from the schema alone. Imports graphql-core, which is slow."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import graphql
from graphql import DocumentNode, FragmentDefinitionNode, GraphQLError, GraphQLSchema, OperationDefinitionNode
from graphql.execution.values import VariableValues, get_variable_values
from graphql.language import SelectionSetNode, parser

from baselard.engine.api.query import lexing, structs
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.execute import Execution
from baselard.engine.api.query.failures import InvalidQuery
from baselard.engine.api.query.fields import Fields
from baselard.engine.api.query.outlines import Outlines, outline
from baselard.engine.api.query.registry import Registry
from baselard.engine.api.query.shapes import Shapes
from baselard.oci.text import JSON

MAX_DEPTH = 2000
"""How deep a query may nest. graphql-core stops at 200; a client's chain of calls is as deep as it is long."""

_FRAMES_PER_LEVEL = 12
"""Python frames the parser and the validator use for one level, with room to spare."""


@dataclass(frozen=True)
class Queries:
    """A schema and the fields that are served of it. ``valid`` are the queries known to be valid, by the file
    that keeps them, None for those that none keeps."""

    schema: GraphQLSchema
    fields: Fields
    valid: dict[Path | None, Outlines] = field(default_factory=dict)
    shapes: Shapes = field(default_factory=Shapes)

    @classmethod
    def of(cls, sdl: str, registry: Registry) -> "Queries":
        """The queries of this SDL, answered by what is in ``registry``."""
        allow_deep_queries()
        lexing.install()
        schema = build(sdl)
        return cls(schema, Fields(schema, registry.fields, registry.way_out, registry.more))

    async def answer(
        self,
        ctx: Context,
        query: str,
        variables: Mapping[str, JSON] | None = None,
        operation: str | None = None,
        kept: Path | None = None,
    ) -> dict[str, JSON]:
        """The response's ``data``. Raises InvalidQuery before anything ran, FieldError for what happened then.

        ``kept`` is where it is noted that such a query is valid.
        """
        document = self._checked(query, kept)
        chosen = _operation(document, operation)
        if _introspects(chosen):
            return self._described(document, variables, operation)
        coerced = get_variable_values(self.schema, chosen.variable_definitions or (), dict(variables or {}))
        if not isinstance(coerced, VariableValues):
            raise _invalid(*coerced)
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        return await Execution(self.schema, self.fields, fragments, coerced, ctx).run(chosen.selection_set)

    def introspect(self, query: str) -> bytes | None:
        """The response to a query that asks for nothing but the schema, by itself; None for any other."""
        document = self._checked(query)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        if len(operations) != 1 or operations[0].variable_definitions or not _introspects(operations[0]):
            return None
        result = graphql.execute_sync(self.schema, document)
        return None if result.errors else json.dumps({"data": result.data}, separators=(",", ":")).encode()

    def described(self) -> bytes:
        """The whole schema, as introspection tells it."""
        return json.dumps(graphql.introspection_from_schema(self.schema), separators=(",", ":")).encode()

    def _checked(self, query: str, kept: Path | None = None) -> DocumentNode:
        valid = self._valid(kept)
        name = outline(query)
        known = name in valid
        try:
            if known and "$" not in query:  # only what is wrong with a query, or its variables, is told by the place
                return self.shapes.document(name, query)
            document = graphql.parse(query)
        except GraphQLError as error:
            raise _invalid(error) from error
        if known:
            return document
        if errors := graphql.validate(self.schema, document, structs.RULES):
            raise _invalid(*errors)
        if name:
            valid.add(name)
        return document

    def _valid(self, kept: Path | None) -> Outlines:
        if kept not in self.valid:
            self.valid[kept] = Outlines(kept)
        return self.valid[kept]

    def _described(
        self, document: DocumentNode, variables: Mapping[str, JSON] | None, operation: str | None
    ) -> dict[str, JSON]:
        result = graphql.execute_sync(
            self.schema, document, variable_values=dict(variables or {}), operation_name=operation
        )
        if result.errors:
            raise _invalid(*result.errors)
        return result.data or {}


def _invalid(*errors: GraphQLError) -> InvalidQuery:
    return InvalidQuery([dict(error.formatted) for error in errors])


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
    """Let graphql-core parse and validate queries of MAX_DEPTH levels, in this whole process.

    It asks for the hash of what a query selects, which would be made of all levels below it: Python 3.13 ends that
    after some 1,600, whatever their limit of recursion is. Here a selection is one by its place alone.
    """
    for module in (parser, sys.modules[graphql.validate.__module__]):  # its package has a function of the module's name
        vars(module)["MAX_NESTING_DEPTH"] = MAX_DEPTH
    sys.setrecursionlimit(max(sys.getrecursionlimit(), MAX_DEPTH * _FRAMES_PER_LEVEL))
    SelectionSetNode.__hash__ = object.__hash__  # type: ignore[method-assign]


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    for operation in operations:
        if name is not None and operation.name and operation.name.value == name:
            return operation
    raise InvalidQuery([{"message": f"unknown operation {name!r}" if name else "name the operation to run"}])


def _introspects(operation: OperationDefinitionNode) -> bool:
    """Whether the operation asks for nothing but the schema. Raises InvalidQuery if it asks for both."""
    nodes = operation.selection_set.selections
    about_schema = [isinstance(node, graphql.FieldNode) and node.name.value in ("__schema", "__type") for node in nodes]
    if any(about_schema) and not all(about_schema):
        raise InvalidQuery([{"message": "ask for __schema and __type in a query on its own"}])
    return all(about_schema)
