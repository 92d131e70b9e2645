"""A module's description of itself: its types and functions, as the SDK registers them through the API.

Names are kept as the module's own language has them, since that is how a function is called; ``camel`` and ``kebab``
give the API's and the command line's form.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from baselard.engine.api.objects.names import camel
from baselard.engine.api.objects.serving import served, served_as, shows
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

    @served_as("name")
    def shown_name(self) -> str:
        return camel(self.name)

    @served_as("defaultValue")
    def shown_default(self) -> str:
        return self.default_value or ""

    @property
    def required(self) -> bool:
        """Whether a caller must give it."""
        defaults = self.default_value is not None or self.default_path or self.default_address
        return not (defaults or self.type_def.optional or self.type_def.name == "Workspace")


@served_as("Query.function")
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

    @served_as("name")
    def shown_name(self) -> str:
        return camel(self.name)

    @served
    def with_description(self, description: str) -> "Function":
        return replace(self, description=description)

    @served
    def with_arg(
        self,
        name: str,
        type_def: "TypeDef",
        *,
        description: str = "",
        default_value: str | None = None,
        default_path: str = "",
        default_address: str = "",
        ignore: tuple[str, ...] = (),
        deprecated: str | None = None,
        **_place: object,
    ) -> "Function":
        new = FunctionArg(name, type_def, description, default_value, default_path, default_address, ignore, deprecated)
        return replace(self, args=(*self.args, new))

    @served
    def with_cache_policy(self, policy: str, time_to_live: str = "") -> "Function":
        return replace(self, cache_policy=policy, time_to_live=time_to_live)

    @served
    def with_deprecated(self, reason: str = "") -> "Function":
        return replace(self, deprecated=reason)

    @served
    def with_check(self) -> "Function":
        return replace(self, check=True)

    @served
    def with_generator(self) -> "Function":
        return replace(self, generator=True)

    @served
    def with_up(self) -> "Function":
        return replace(self, up=True)

    @served
    def with_source_map(self, **_place: object) -> "Function":
        return self


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


@served_as("Query.typeDef")
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

    @served
    def with_kind(self, kind: str) -> "TypeDef":
        return replace(self, kind=kind)

    @served
    def with_optional(self, optional: bool) -> "TypeDef":
        return replace(self, optional=optional)

    @served
    def with_list_of(self, element_type: "TypeDef") -> "TypeDef":
        return replace(self, kind="LIST_KIND", element=element_type)

    @served
    def with_object(
        self, name: str, description: str = "", deprecated: str | None = None, **_place: object
    ) -> "TypeDef":
        return replace(self, kind="OBJECT_KIND", name=name, description=description, deprecated=deprecated)

    @served
    def with_interface(self, name: str, description: str = "", **_place: object) -> "TypeDef":
        return replace(self, kind="INTERFACE_KIND", name=name, description=description)

    @served
    def with_enum(self, name: str, description: str = "", **_place: object) -> "TypeDef":
        return replace(self, kind="ENUM_KIND", name=name, description=description)

    @served
    def with_scalar(self, name: str, description: str = "") -> "TypeDef":
        return replace(self, kind="SCALAR_KIND", name=name, description=description)

    @served
    def with_enum_member(
        self, name: str, value: str = "", description: str = "", deprecated: str | None = None, **_place: object
    ) -> "TypeDef":
        self._must_be("withEnumMember", "ENUM_KIND")
        new = EnumValueTypeDef(name, value or name, description, deprecated)
        return replace(self, members=(*self.members, new))

    @served
    def with_enum_value(
        self, value: str, description: str = "", deprecated: str | None = None, **_place: object
    ) -> "TypeDef":
        return self.with_enum_member(value, value, description, deprecated)

    @served
    def with_field(
        self, name: str, type_def: "TypeDef", description: str = "", deprecated: str | None = None, **_place: object
    ) -> "TypeDef":
        self._must_be("withField", "OBJECT_KIND")
        return replace(self, fields=(*self.fields, FieldTypeDef(name, type_def, description, deprecated)))

    @served
    def with_function(self, function: Function) -> "TypeDef":
        self._must_be("withFunction", "OBJECT_KIND", "INTERFACE_KIND")
        return replace(self, functions=(*self.functions, function))

    @served
    def with_constructor(self, function: Function) -> "TypeDef":
        self._must_be("withConstructor", "OBJECT_KIND")
        return replace(self, constructor=function)

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


@served_as("Query.module")
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

    @served
    def with_description(self, description: str) -> "Module":
        return replace(self, description=description)

    @served
    def with_object(self, object: TypeDef) -> "Module":
        return replace(self, objects=(*self.objects, object))

    @served
    def with_interface(self, iface: TypeDef) -> "Module":
        return replace(self, interfaces=(*self.interfaces, iface))

    @served
    def with_enum(self, enum: TypeDef) -> "Module":
        return replace(self, enums=(*self.enums, enum))

    def find(self, name: str) -> TypeDef | None:
        """The module's own definition of the named type, or None where it is one of the API's."""
        return next((kind for kind in self.types() if kind.name == name), None)

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
