"""Run a validated query against the registered resolvers.

GraphQL's own executor recurses at every level and turns each into nested awaitables, so a chain's cost grows with
the square of its length. The API's queries are chains: here one level is one turn of a loop, and only a selection of
several fields opens new coroutines. As in Dagger, the first error ends the whole query.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import VariableValues

from baselard.engine.api.query import structs
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.failures import FieldError
from baselard.engine.api.query.fields import Fields
from baselard.engine.api.query.ids import type_name
from baselard.engine.errors import UserError
from baselard.oci.text import JSON
from baselard.oci.together import together

_Path: TypeAlias = "tuple[()] | tuple[_Path, str | int]"


@dataclass(frozen=True)
class _Level:
    """An object whose fields are to be selected, and where in the response they go.

    ``path`` is a linked list ``(path above, key)``, so that deep chains cost no copying.
    """

    type: GraphQLObjectType
    value: object
    selections: Sequence[SelectionSetNode]
    into: dict[str, JSON]
    path: _Path = ()


@dataclass(frozen=True)
class Execution:
    """One operation's run."""

    schema: GraphQLSchema
    fields: Fields
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues
    ctx: Context

    async def run(self, selections: SelectionSetNode) -> dict[str, JSON]:
        """The response's ``data``. Raises FieldError."""
        data: dict[str, JSON] = {}
        await self._walk(_Level(self.fields.root, None, [selections], data))
        return data

    async def _walk(self, start: _Level) -> None:
        level: _Level | None = start
        while level:
            grouped = self._collect(level)
            if len(grouped) != 1:
                return await self._several(level, grouped)
            ((key, nodes),) = grouped.items()
            level = await self._field(level, key, nodes)
        return None

    async def _several(self, level: _Level, grouped: Mapping[str, list[FieldNode]]) -> None:
        level.into.update(dict.fromkeys(grouped))  # the response keeps the query's order, whichever is ready first
        await together(self._branch(level, key, nodes) for key, nodes in grouped.items())

    async def _branch(self, level: _Level, key: str, nodes: list[FieldNode]) -> None:
        if below := await self._field(level, key, nodes):
            await self._walk(below)

    async def _field(self, level: _Level, key: str, nodes: list[FieldNode]) -> _Level | None:
        """Resolve one field into its place; the level below it, if it is an object."""
        name = nodes[0].name.value
        if name == "__typename":
            level.into[key] = level.type.name
            return None
        path = (level.path, key)
        try:
            field = self.fields.get(level.type, name)
            value = field.call(self.ctx, level.value, field.arguments(self.ctx, nodes[0], self.variables))
            value = await value if inspect.isawaitable(value) else value
            at = _Level(level.type, value, _below(nodes), level.into, path)
            return await self._complete(field.type, value, key, at)
        except FieldError:
            raise
        except GraphQLError as error:  # an argument that came by a variable does not fit
            raise FieldError(_plain(path)) from UserError(error.message)
        except Exception as error:
            raise FieldError(_plain(path)) from error

    async def _complete(self, kind: GraphQLOutputType, value: object, key: str, at: _Level) -> _Level | None:
        """Put a value, which is of the type that its field declares, in its place; the level below it, if any."""
        if is_non_null_type(kind):
            kind = kind.of_type
            if value is None:
                raise RuntimeError(f"{kind} may not be null here")
        if value is None or is_leaf_type(get_named_type(kind)):
            leaves = cast(JSON, value)
            at.into[key] = list(leaves) if isinstance(leaves, Sequence) and is_list_type(kind) else leaves
            return None
        if is_list_type(kind):
            values = cast(Sequence[object], value)
            if not at.selections:
                at.into[key] = structs.whole(self.fields, self.ctx, kind, values)
                return None
            at.into[key] = children = [dict[str, JSON]() for _ in values]
            await self._items(values, children, at)
            return None
        child: dict[str, JSON] = {}
        at.into[key] = child
        return replace(at, type=self._object_type(kind, value), into=child)

    async def _items(self, values: Sequence[object], children: Sequence[dict[str, JSON]], at: _Level) -> None:
        levels = [
            _Level(self._object_type(None, value), value, at.selections, child, (at.path, i))
            for i, (value, child) in enumerate(zip(values, children, strict=True))
        ]
        await together(self._walk(level) for level in levels)

    def _object_type(self, declared: GraphQLOutputType | None, value: object) -> GraphQLObjectType:
        if isinstance(declared, GraphQLObjectType):
            return declared
        kind = self.schema.get_type(type_name(value))
        if not isinstance(kind, GraphQLObjectType):
            raise RuntimeError(f"{type_name(value)} is not an object type of the API")  # noqa: TRY004
        return kind

    def _collect(self, level: _Level) -> dict[str, list[FieldNode]]:
        grouped: dict[str, list[FieldNode]] = {}
        for selection in level.selections:
            for node in self._flat(level.type, selection):
                grouped.setdefault((node.alias or node.name).value, []).append(node)
        return grouped

    def _flat(self, parent_type: GraphQLObjectType, selections: SelectionSetNode) -> Iterator[FieldNode]:
        for node in selections.selections:
            if node.directives and not self._included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else parent_type.name
                if self._applies(condition, parent_type):
                    yield from self._flat(parent_type, node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, parent_type):
                    yield from self._flat(parent_type, fragment.selection_set)

    def _applies(self, condition: str, parent_type: GraphQLObjectType) -> bool:
        if condition == parent_type.name:
            return True
        kind = self.schema.get_type(condition)
        return kind is not None and is_abstract_type(kind) and self.schema.is_sub_type(kind, parent_type)

    def _included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])


def _below(nodes: list[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set]


def _plain(path: _Path) -> list[str | int]:
    out: list[str | int] = []
    while path:
        path, key = path
        out.append(key)
    return out[::-1]
