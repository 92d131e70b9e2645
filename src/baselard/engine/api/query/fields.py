"""Fields of the served schema joined to their resolvers, with their arguments made ready for Python."""

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from graphql import (
    DirectiveNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    StringValueNode,
    is_interface_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from baselard.engine.api.objects.names import snake_case
from baselard.engine.api.objects.serving import Served
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import anywhere
from baselard.engine.errors import UnsupportedError


@dataclass(frozen=True)
class Argument:
    """One argument: the name its resolver knows it by and, for an ID, the type of object it stands for."""

    python: str
    expected: str = ""
    implementers: frozenset[str] = frozenset()

    def load(self, ctx: Context, value: object) -> object:
        """The value as a resolver wants it: lists as tuples, IDs replaced by their objects."""
        if isinstance(value, list):
            return tuple(self.load(ctx, item) for item in value)
        if not self.expected:
            return value
        return ctx.load(str(value), self.expected, implementers=self.implementers)


@dataclass(frozen=True)
class Field:
    """One field of one type, ready to be called."""

    name: str
    type: GraphQLOutputType
    definition: GraphQLField
    served: Served | None
    known: Mapping[str, Argument]
    has_parent: bool
    way_out: str

    def arguments(self, ctx: Context, node: FieldNode, variables: VariableValues) -> dict[str, object]:
        """The arguments that the client sent for this field; absent and null arguments are left out."""
        if not node.arguments:
            return {}
        sent = {argument.name.value for argument in node.arguments}
        values = get_argument_values(self.definition, node, variables)
        self._refuse(values, sent)
        return {
            self.known[name].python: self.known[name].load(ctx, value)
            for name, value in values.items()
            if name in sent and value is not None and name not in (self.served.without if self.served else ())
        }

    def _refuse(self, values: Mapping[str, object], sent: set[str]) -> None:
        for name in self.served.without if self.served else ():
            if name in sent and values[name] != self.definition.args[name].default_value:
                raise UnsupportedError(f"the argument {name} of {self.name}", self.way_out)

    def call(self, ctx: Context, parent: object, arguments: Mapping[str, object]) -> object:
        """The field's value, or an awaitable of it. Raises UnsupportedError where no resolver is registered."""
        if self.served is None:
            raise UnsupportedError(self.name, self.way_out)
        asked = (ctx,) if self.served.asks else ()
        parents = (parent,) if self.has_parent else ()
        return self.served.resolve(*asked, *parents, **arguments)


@dataclass(frozen=True)
class Fields:
    """The fields of a schema, looked up once each."""

    schema: GraphQLSchema
    registered: Mapping[str, Served] = field(default_factory=dict)
    way_out: Callable[[str], str] = anywhere
    more: Callable[[], Mapping[str, Served]] = dict
    _made: dict[tuple[str, str], Field] = field(default_factory=dict)

    @property
    def root(self) -> GraphQLObjectType:
        """The type a query starts at."""
        if self.schema.query_type is None:
            raise RuntimeError("the schema has no Query type")
        return self.schema.query_type

    def get(self, owner: GraphQLObjectType, name: str) -> Field:
        key = (owner.name, name)
        if key not in self._made:
            self._made[key] = self._make(owner, name)
        return self._made[key]

    def _make(self, owner: GraphQLObjectType, name: str) -> Field:
        definition = owner.fields[name]
        full = f"{owner.name}.{name}"
        known = {arg: self._argument(arg, definition) for arg in definition.args}
        served = self.registered.get(full) or self._common(owner, name) or self.more().get(full)
        has_parent = owner is not self.schema.query_type
        return Field(full, definition.type, definition, served, known, has_parent, self.way_out(full))

    def _common(self, owner: GraphQLObjectType, name: str) -> Served | None:
        if name == "id":
            return Served(_id)
        if owner is self.schema.query_type and name.startswith("load") and name.endswith("FromID"):
            return Served(_loader(name.removeprefix("load").removesuffix("FromID"), self._implementers))
        return None

    def _argument(self, name: str, definition: GraphQLField) -> Argument:
        argument = definition.args[name]
        directives = argument.ast_node.directives if argument.ast_node else ()
        expected = next((_name_of(d) for d in directives or () if d.name.value == "expectedType"), "")
        python = snake_case(name)
        python += "_" if keyword.iskeyword(python) else ""
        return Argument(python, expected, self._implementers(expected))

    def _implementers(self, name: str) -> frozenset[str]:
        kind = self.schema.get_type(name)
        if kind is None or not is_interface_type(kind):
            return frozenset()
        return frozenset(possible.name for possible in self.schema.get_possible_types(kind))


def _name_of(directive: DirectiveNode) -> str:
    values = (a.value for a in directive.arguments or () if a.name.value == "name")
    return next((value.value for value in values if isinstance(value, StringValueNode)), "")


def _id(ctx: Context, *parents: object) -> str:
    return ctx.id(parents[0] if parents else Query())


@dataclass(frozen=True)
class Query:
    """The root object; it has an ID like any other."""


def _loader(name: str, implementers: Callable[[str], frozenset[str]]) -> Callable[..., object]:
    """The resolver of a ``loadFooFromID`` field, which clients older than 0.21.1 use."""
    return lambda ctx, *, id: ctx.load(id, name, implementers=implementers(name))
