"""The API's own types in the form of a module's, so that a chain may go on into them: ``base file --path …``."""

import functools

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    get_named_type,
    is_list_type,
    is_non_null_type,
    print_ast,
)
from graphql.pyutils import Undefined
from graphql.utilities import ast_from_value

from baselard.engine.api.objects.typedef import EnumValueTypeDef, Function, FunctionArg, TypeDef

_KINDS = {
    "String": "STRING_KIND",
    "Int": "INTEGER_KIND",
    "Float": "FLOAT_KIND",
    "Boolean": "BOOLEAN_KIND",
    "Void": "VOID_KIND",
}


@functools.cache
def find(schema: GraphQLSchema, name: str) -> TypeDef | None:
    """The schema's type of this name with its functions or members, or None."""
    kind = schema.get_type(name)
    if isinstance(kind, GraphQLEnumType):
        members = tuple(EnumValueTypeDef(member, member) for member in kind.values)
        return TypeDef("ENUM_KIND", name=name, members=members)
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        functions = tuple(_function(field, definition) for field, definition in kind.fields.items())
        return TypeDef("OBJECT_KIND", name=name, functions=functions)
    return None


def _function(name: str, field: GraphQLField) -> Function:
    args = tuple(_arg(arg, definition) for arg, definition in field.args.items())
    directives = field.ast_node.directives if field.ast_node else ()
    expected = next((_expected(directive) for directive in directives or ()), "")
    by_id = bool(expected) and name != "id"
    returned = TypeDef("OBJECT_KIND", name=expected) if by_id else _type(field.type)
    return Function(name, returned, args=args, by_id=by_id)


def _arg(name: str, argument: GraphQLArgument) -> FunctionArg:
    directives = argument.ast_node.directives if argument.ast_node else ()
    expected = next((_expected(directive) for directive in directives or ()), "")
    kind = _type(argument.type, expected)
    default = None
    if argument.default_value is not Undefined and (literal := ast_from_value(argument.default_value, argument.type)):
        default = print_ast(literal)
    return FunctionArg(name, kind, default_value=default)


def _type(kind: GraphQLType, expected: str = "") -> TypeDef:
    if is_non_null_type(kind):
        return TypeDef(**{**vars(_type(kind.of_type, expected)), "optional": False})
    if is_list_type(kind):
        return TypeDef("LIST_KIND", optional=True, element=_type(kind.of_type, expected))
    named = get_named_type(kind)
    if expected:
        return TypeDef("OBJECT_KIND", optional=True, name=expected)
    if named.name in _KINDS:
        return TypeDef(_KINDS[named.name], optional=True)
    return TypeDef(_kind(named), optional=True, name=named.name)


def _kind(named: GraphQLType) -> str:
    if isinstance(named, GraphQLEnumType):
        return "ENUM_KIND"
    if isinstance(named, GraphQLInputObjectType):
        return "INPUT_KIND"
    return "SCALAR_KIND" if isinstance(named, GraphQLScalarType) else "OBJECT_KIND"


def _expected(directive: "object") -> str:
    arguments = getattr(directive, "arguments", ()) or ()
    if getattr(getattr(directive, "name", None), "value", "") != "expectedType":
        return ""
    return next((argument.value.value for argument in arguments if argument.name.value == "name"), "")
