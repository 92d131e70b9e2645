"""Fields by which a module registers its types and answers a call (the Python SDK's dagger.mod is their user)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from baselard.engine.api.objects.names import camel
from baselard.engine.api.objects.namespace import namespaced
from baselard.engine.api.objects.typedef import (
    EnumValueTypeDef,
    Error,
    ErrorValue,
    FieldTypeDef,
    Function,
    FunctionArg,
    FunctionCall,
    Module,
    TypeDef,
)
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError


@field("Module.objects")
def objects(_ctx: Context, module: Module) -> tuple[TypeDef, ...]:
    return namespaced(module).objects


@field("Module.interfaces")
def interfaces(_ctx: Context, module: Module) -> tuple[TypeDef, ...]:
    return namespaced(module).interfaces


@field("Module.enums")
def enums(_ctx: Context, module: Module) -> tuple[TypeDef, ...]:
    return namespaced(module).enums


# the call that an invocation answers


@field("Query.currentFunctionCall")
def current_function_call(ctx: Context) -> FunctionCall:
    if ctx.frame is None:
        raise UserError("there is no current function call: this client is no module's function")
    call: FunctionCall = ctx.frame.call
    return call


@field("FunctionCall.name")
def call_name(_ctx: Context, call: FunctionCall) -> str:
    return call.name


@field("FunctionCall.returnValue")
def return_value(_ctx: Context, call: FunctionCall, *, value: str) -> None:
    call.returned = value


@field("FunctionCall.returnError")
def return_error(_ctx: Context, call: FunctionCall, *, error: Error) -> None:
    call.error = error


@field("Query.error")
def error(_ctx: Context, *, message: str) -> Error:
    return Error(message)


@field("Error.withValue")
def with_value(_ctx: Context, error: Error, *, name: str, value: str) -> Error:
    return replace(error, values=(*error.values, ErrorValue(name, value)))


# registration: types


@field("Query.typeDef")
def type_def(_ctx: Context) -> TypeDef:
    return TypeDef()


@field("TypeDef.withKind")
def with_kind(_ctx: Context, type_def: TypeDef, *, kind: str) -> TypeDef:
    return replace(type_def, kind=kind)


@field("TypeDef.withOptional")
def with_optional(_ctx: Context, type_def: TypeDef, *, optional: bool) -> TypeDef:
    return replace(type_def, optional=optional)


@field("TypeDef.withListOf")
def with_list_of(_ctx: Context, type_def: TypeDef, *, element_type: TypeDef) -> TypeDef:
    return replace(type_def, kind="LIST_KIND", element=element_type)


@field("TypeDef.withObject")
def with_object(
    _ctx: Context, type_def: TypeDef, *, name: str, description: str = "", deprecated: str | None = None, **_place: Any
) -> TypeDef:
    return replace(type_def, kind="OBJECT_KIND", name=name, description=description, deprecated=deprecated)


@field("TypeDef.withInterface")
def with_interface(_ctx: Context, type_def: TypeDef, *, name: str, description: str = "", **_place: Any) -> TypeDef:
    return replace(type_def, kind="INTERFACE_KIND", name=name, description=description)


@field("TypeDef.withEnum")
def with_enum(_ctx: Context, type_def: TypeDef, *, name: str, description: str = "", **_place: Any) -> TypeDef:
    return replace(type_def, kind="ENUM_KIND", name=name, description=description)


@field("TypeDef.withScalar")
def with_scalar(_ctx: Context, type_def: TypeDef, *, name: str, description: str = "") -> TypeDef:
    return replace(type_def, kind="SCALAR_KIND", name=name, description=description)


@field("TypeDef.withEnumMember")
def with_enum_member(
    _ctx: Context,
    type_def: TypeDef,
    *,
    name: str,
    value: str = "",
    description: str = "",
    deprecated: str | None = None,
    **_place: Any,
) -> TypeDef:
    return type_def.with_member(EnumValueTypeDef(name, value or name, description, deprecated))


@field("TypeDef.withEnumValue")
def with_enum_value(
    ctx: Context, type_def: TypeDef, *, value: str, description: str = "", deprecated: str | None = None, **_place: Any
) -> TypeDef:
    return with_enum_member(ctx, type_def, name=value, value=value, description=description, deprecated=deprecated)


@field("TypeDef.withField")
def with_field(
    _ctx: Context,
    owner: TypeDef,
    *,
    name: str,
    type_def: TypeDef,
    description: str = "",
    deprecated: str | None = None,
    **_place: Any,
) -> TypeDef:
    return owner.with_field(FieldTypeDef(name, type_def, description, deprecated))


@field("TypeDef.withFunction")
def with_function(_ctx: Context, type_def: TypeDef, *, function: Function) -> TypeDef:
    return type_def.with_function(function)


@field("TypeDef.withConstructor")
def with_constructor(_ctx: Context, type_def: TypeDef, *, function: Function) -> TypeDef:
    return type_def.with_constructor(function)


# registration: functions


@field("Query.function")
def function(_ctx: Context, *, name: str, return_type: TypeDef) -> Function:
    return Function(name, return_type)


@field("Function.name")
def function_name(_ctx: Context, function: Function) -> str:
    return camel(function.name)


@field("Function.withDescription")
def with_description(_ctx: Context, function: Function, *, description: str) -> Function:
    return replace(function, description=description)


@field("Function.withArg")
def with_arg(
    _ctx: Context,
    function: Function,
    *,
    name: str,
    type_def: TypeDef,
    description: str = "",
    default_value: str | None = None,
    default_path: str = "",
    default_address: str = "",
    ignore: Sequence[str] = (),
    deprecated: str | None = None,
    **_place: Any,
) -> Function:
    arg = FunctionArg(
        name, type_def, description, default_value, default_path, default_address, tuple(ignore), deprecated
    )
    return function.with_arg(arg)


@field("Function.withCachePolicy")
def with_cache_policy(_ctx: Context, function: Function, *, policy: str, time_to_live: str = "") -> Function:
    return replace(function, cache_policy=policy, time_to_live=time_to_live)


@field("Function.withDeprecated")
def with_deprecated(_ctx: Context, function: Function, *, reason: str = "") -> Function:
    return replace(function, deprecated=reason)


@field("Function.withCheck")
def with_check(_ctx: Context, function: Function) -> Function:
    return replace(function, check=True)


@field("Function.withGenerator")
def with_generator(_ctx: Context, function: Function) -> Function:
    return replace(function, generator=True)


@field("Function.withUp")
def with_up(_ctx: Context, function: Function) -> Function:
    return replace(function, up=True)


@field("Function.withSourceMap")
def with_source_map(_ctx: Context, function: Function, *, source_map: Any) -> Function:  # noqa: ARG001
    return function


@field("FunctionArg.name")
def arg_name(_ctx: Context, arg: FunctionArg) -> str:
    return camel(arg.name)


@field("FunctionArg.defaultValue")
def arg_default_value(_ctx: Context, arg: FunctionArg) -> str:
    return arg.default_value or ""


# registration: the module


@field("Query.module")
def module(_ctx: Context) -> Module:
    return Module()


@field("Module.withDescription")
def with_module_description(_ctx: Context, module: Module, *, description: str) -> Module:
    return replace(module, description=description)


@field("Module.withObject")
def with_module_object(_ctx: Context, module: Module, *, object: TypeDef) -> Module:
    return replace(module, objects=(*module.objects, object))


@field("Module.withInterface")
def with_module_interface(_ctx: Context, module: Module, *, iface: TypeDef) -> Module:
    return replace(module, interfaces=(*module.interfaces, iface))


@field("Module.withEnum")
def with_module_enum(_ctx: Context, module: Module, *, enum: TypeDef) -> Module:
    return replace(module, enums=(*module.enums, enum))
