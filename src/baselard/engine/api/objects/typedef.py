"""What a module says of itself: its types and functions, as the SDK registers them through the API.

Names are kept as the module's own language has them, since that is how a function is called; ``camel`` and ``kebab``
give the API's and the command line's form.
"""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baselard.engine.api.objects.serving import shows
from baselard.engine.errors import UserError


@shows("description", "typeDef", "defaultPath", "defaultAddress", "ignore", "deprecated")
@dataclass(frozen=True)
class FunctionArg:
    """One argument. ``default_value`` is JSON text, None where there is none; ``default_path`` starts at the module."""

    name: str
    type_def: "TypeDef"
    description: str = ""
    default_value: str | None = None
    default_path: str = ""
    default_address: str = ""
    ignore: tuple[str, ...] = ()
    deprecated: str | None = None

    @property
    def required(self) -> bool:
        """Whether a caller must give it."""
        defaults = self.default_value is not None or self.default_path or self.default_address
        return not (defaults or self.type_def.optional or self.type_def.name == "Workspace")


@shows("description", "args", "returnType", "deprecated")
@dataclass(frozen=True)
class Function:
    """A function or, with an empty name, an object's constructor.

    ``by_id`` says that the API answers with the ID of the object rather than with the object (``sync``).
    """

    name: str
    return_type: "TypeDef"
    description: str = ""
    args: tuple[FunctionArg, ...] = ()
    deprecated: str | None = None
    cache_policy: str = "Default"
    time_to_live: str = ""
    check: bool = False
    generator: bool = False
    up: bool = False
    by_id: bool = False

    def with_arg(self, arg: FunctionArg) -> "Function":
        return replace(self, args=(*self.args, arg))


@shows("name", "description", "deprecated", "typeDef")
@dataclass(frozen=True)
class FieldTypeDef:
    """An attribute of an object that the API shows."""

    name: str
    type_def: "TypeDef"
    description: str = ""
    deprecated: str | None = None


@shows("name", "value", "description", "deprecated")
@dataclass(frozen=True)
class EnumValueTypeDef:
    """A member of an enumeration; callers use its name, the module sees its value."""

    name: str
    value: str = ""
    description: str = ""
    deprecated: str | None = None


@shows("kind", "optional", "name")
@dataclass(frozen=True)
class TypeDef:
    """A type: a kind with what this kind needs. A mere mention of an object or enumeration has a name and no members.

    ``kind`` is one of the API's ``TypeDefKind``, such as ``STRING_KIND``.
    """

    kind: str = ""
    optional: bool = False
    name: str = ""
    description: str = ""
    deprecated: str | None = None
    element: "TypeDef | None" = None
    fields: tuple[FieldTypeDef, ...] = ()
    functions: tuple[Function, ...] = ()
    constructor: Function | None = None
    members: tuple[EnumValueTypeDef, ...] = ()

    def with_function(self, function: Function) -> "TypeDef":
        self._must_be("withFunction", "OBJECT_KIND", "INTERFACE_KIND")
        return replace(self, functions=(*self.functions, function))

    def with_field(self, field: FieldTypeDef) -> "TypeDef":
        self._must_be("withField", "OBJECT_KIND")
        return replace(self, fields=(*self.fields, field))

    def with_constructor(self, function: Function) -> "TypeDef":
        self._must_be("withConstructor", "OBJECT_KIND")
        return replace(self, constructor=function)

    def with_member(self, member: EnumValueTypeDef) -> "TypeDef":
        self._must_be("withEnumMember", "ENUM_KIND")
        return replace(self, members=(*self.members, member))

    def named(self) -> "list[tuple[str, str]]":
        """Name and description of all functions and fields."""
        functions = [(function.name, function.description) for function in self.functions]
        return functions + [(field.name, field.description) for field in self.fields]

    def _must_be(self, field: str, *kinds: str) -> None:
        if self.kind not in kinds:
            raise UserError(f"TypeDef.{field}: the type is {self.kind or 'without kind'}, not {' or '.join(kinds)}")

    @property
    def label(self) -> str:
        """The type for a reader, such as ``[String]`` or ``Container``."""
        if self.element:
            return f"[{self.element.label}]"
        return self.name or self.kind.removesuffix("_KIND").capitalize().replace("Integer", "Int")


@shows("name", "description")
@dataclass(frozen=True)
class Module:
    """All types of a module. Its main object, the one with the constructor, is where callers begin.

    ``root`` is the directory on this machine that its dagger.json is in; empty while it is being registered.
    """

    name: str = ""
    description: str = ""
    objects: tuple[TypeDef, ...] = ()
    interfaces: tuple[TypeDef, ...] = ()
    enums: tuple[TypeDef, ...] = ()
    root: str = ""

    def find(self, name: str) -> TypeDef | None:
        """The module's own definition of the named type, or None where it is one of the API's."""
        return next((found for found in self.types() if found.name == name), None)

    @property
    def main(self) -> TypeDef:
        """The main object. Raises UserError when none has a constructor."""
        for found in self.objects:
            if found.constructor:
                return found
        raise UserError(f"the module {self.name} registered no main object")

    def types(self) -> Iterator[TypeDef]:
        """All definitions."""
        yield from self.objects
        yield from self.interfaces
        yield from self.enums


@shows("name", "value")
@dataclass(frozen=True)
class ErrorValue:
    """A named fact of an error; ``value`` is JSON text."""

    name: str
    value: str


@shows("message", "values")
@dataclass(frozen=True)
class Error:
    """What a function says of its failure."""

    message: str
    values: tuple[ErrorValue, ...] = ()


@shows("name", "value")
@dataclass(frozen=True)
class FunctionCallArgValue:
    """One argument of a call; ``value`` is JSON text, objects being their IDs."""

    name: str
    value: str


@shows("parentName", "parent", "inputArgs")
@dataclass
class FunctionCall:
    """One invocation of a module, and what became of it.

    An empty ``parent_name`` asks for registration, an empty ``name`` for the constructor. ``parent`` is the object's
    state as JSON text. Exactly one of ``returned`` (JSON text) and ``error`` is set by the module.
    """

    parent_name: str = ""
    name: str = ""
    parent: str = "{}"
    input_args: tuple[FunctionCallArgValue, ...] = ()
    returned: str | None = None
    error: Error | None = None


@shows("name")
@dataclass(frozen=True)
class CurrentModule:
    """The module a function belongs to: where its dagger.json is on this machine, and below it its source."""

    name: str
    root: Path
    directory: Path


@dataclass(frozen=True)
class Frame:
    """What a module's process is: the answer to one call of one module."""

    call: FunctionCall
    module: CurrentModule

    @property
    def module_name(self) -> str:
        """Whose secrets and cache volumes the call names."""
        return self.module.name


# as text, for keeping


def dumps(module: Module) -> str:
    """The module as JSON text that ``loads`` reads."""
    return json.dumps(dataclasses.asdict(module), separators=(",", ":"))


def loads(text: str) -> Module:
    """The module from the text of ``dumps``. Raises KeyError, TypeError or ValueError when it is not that."""
    raw = json.loads(text)
    types: dict[str, Any] = {kind: tuple(map(_type, raw[kind])) for kind in ("objects", "interfaces", "enums")}
    return Module(**{**raw, **types})


def _type(raw: dict[str, Any]) -> TypeDef:
    lists: dict[str, Any] = {
        "fields": tuple(FieldTypeDef(**{**field, "type_def": _type(field["type_def"])}) for field in raw["fields"]),
        "functions": tuple(map(_function, raw["functions"])),
        "members": tuple(EnumValueTypeDef(**member) for member in raw["members"]),
        "element": _type(raw["element"]) if raw["element"] else None,
        "constructor": _function(raw["constructor"]) if raw["constructor"] else None,
    }
    return TypeDef(**{**raw, **lists})


def _function(raw: dict[str, Any]) -> Function:
    args = tuple(
        FunctionArg(**{**arg, "type_def": _type(arg["type_def"]), "ignore": tuple(arg["ignore"])})
        for arg in raw["args"]
    )
    return Function(**{**raw, "return_type": _type(raw["return_type"]), "args": args})
