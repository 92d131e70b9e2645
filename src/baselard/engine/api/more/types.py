"""Types of modules and of the API, looked at: what kind they are, and their functions, fields and members."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baselard.engine.api.objects.typedef import TypeDef
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import attributes, field


@dataclass(frozen=True)
class TypeView:
    """A type seen as one of its kind, such as ``ObjectTypeDef``."""

    graphql_type: str
    type_def: TypeDef

    def __getattr__(self, name: str) -> Any:
        return getattr(self.type_def, name)


_VIEWS = {
    "asEnum": ("EnumTypeDef", "ENUM_KIND", ("name", "description", "members")),
    "asInput": ("InputTypeDef", "INPUT_KIND", ("name", "fields")),
    "asInterface": ("InterfaceTypeDef", "INTERFACE_KIND", ("name", "description", "functions")),
    "asList": ("ListTypeDef", "LIST_KIND", ()),
    "asObject": (
        "ObjectTypeDef",
        "OBJECT_KIND",
        ("name", "description", "deprecated", "fields", "functions", "constructor"),
    ),
    "asScalar": ("ScalarTypeDef", "SCALAR_KIND", ("name", "description")),
}
attributes("FieldTypeDef", "name", "description", "deprecated", "typeDef")
attributes("EnumValueTypeDef", "name", "value", "description", "deprecated")


def _serve(name: str, view: str, kind: str, fields: Sequence[str]) -> None:
    @field(f"TypeDef.{name}")
    def seen(_ctx: Context, type_def: TypeDef) -> TypeView | None:
        return TypeView(view, type_def) if type_def.kind == kind else None

    attributes(view, *fields)


for _name, _view in _VIEWS.items():
    _serve(_name, *_view)


@field("EnumTypeDef.values")
def values(_ctx: Context, view: TypeView) -> Any:
    return view.members


@field("ListTypeDef.elementTypeDef")
def element(_ctx: Context, view: TypeView) -> TypeDef | None:
    return view.type_def.element
