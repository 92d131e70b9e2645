"""The names of a module's types as the API shows them: they begin with the module's (core/gqlformat.go)."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from baselard.engine.api.objects.names import camel
from baselard.engine.api.objects.serving import served_as
from baselard.engine.api.objects.typedef import FieldTypeDef, Function, FunctionArg, Module, TypeDef


def namespaced(module: Module) -> Module:
    """The module with the API's names of its types, wherever one is mentioned."""
    prefix = camel(module.name)
    prefix = prefix[:1].upper() + prefix[1:]
    names = {kind.name: _with_prefix(kind.name, prefix) for kind in module.types()}
    renamed = {name: _renamed(getattr(module, name), names) for name in ("objects", "interfaces", "enums")}
    return dataclasses.replace(module, **renamed)


def _with_prefix(name: str, prefix: str) -> str:
    """``Roof`` as ``HouseRoof``; ``House`` and ``HouseRoof`` stay."""
    rest = name.removeprefix(prefix)
    return name if rest != name and (not rest or rest[0].isupper()) else prefix + name


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_renamed(one, names) for one in value)
    if not isinstance(value, TypeDef | Function | FunctionArg | FieldTypeDef):
        return value
    parts = {field.name: _renamed(getattr(value, field.name), names) for field in dataclasses.fields(value)}
    if isinstance(value, TypeDef):
        parts["name"] = names.get(value.name, value.name)
    return type(value)(**parts)


@served_as("Module.objects")
def objects(module: Module) -> tuple[TypeDef, ...]:
    return namespaced(module).objects


@served_as("Module.interfaces")
def interfaces(module: Module) -> tuple[TypeDef, ...]:
    return namespaced(module).interfaces


@served_as("Module.enums")
def enums(module: Module) -> tuple[TypeDef, ...]:
    return namespaced(module).enums
