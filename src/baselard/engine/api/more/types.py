"""Types of modules and of the API, looked at: what kind they are, and their functions, fields and members."""

from collections.abc import Callable
from dataclasses import dataclass

from baselard.engine.api.objects.serving import served_as, shows
from baselard.engine.api.objects.typedef import TypeDef


@shows(**{"EnumTypeDef.values": "type_def.members", "ListTypeDef.elementTypeDef": "type_def.element"})
@dataclass(frozen=True)
class TypeView:
    """A type seen as one of its kind, such as ``ObjectTypeDef``."""

    graphql_type: str
    type_def: TypeDef

    def __getattr__(self, name: str) -> object:
        return getattr(self.type_def, name)


def _seen(name: str, view: str, kind: str, *fields: str) -> Callable[[TypeDef], TypeView | None]:
    @shows(*(f"{view}.{field}" for field in fields))
    @served_as(f"TypeDef.{name}")
    def seen(type_def: TypeDef) -> TypeView | None:
        return TypeView(view, type_def) if type_def.kind == kind else None

    return seen


as_enum = _seen("asEnum", "EnumTypeDef", "ENUM_KIND", "name", "description", "members")
as_input = _seen("asInput", "InputTypeDef", "INPUT_KIND", "name", "fields")
as_interface = _seen("asInterface", "InterfaceTypeDef", "INTERFACE_KIND", "name", "description", "functions")
as_list = _seen("asList", "ListTypeDef", "LIST_KIND")
_object = ("name", "description", "deprecated", "fields", "functions", "constructor")
as_object = _seen("asObject", "ObjectTypeDef", "OBJECT_KIND", *_object)
as_scalar = _seen("asScalar", "ScalarTypeDef", "SCALAR_KIND", "name", "description")
