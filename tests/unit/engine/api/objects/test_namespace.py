"""The API's names of a module's types, as core/gqlformat.go makes them."""

import pytest

from baselard.engine.api.objects.namespace import namespaced
from baselard.engine.api.objects.typedef import Function, Module, TypeDef


def mention(name: str) -> TypeDef:
    return TypeDef("OBJECT_KIND", name=name)


@pytest.mark.parametrize(
    ("module", "name", "shown"),
    [
        ("house", "House", "House"),
        ("house", "Roof", "HouseRoof"),
        ("house", "HouseRoof", "HouseRoof"),
        ("post", "Postman", "PostPostman"),
        ("my-house", "Roof", "MyHouseRoof"),
    ],
)
def test_names(module: str, name: str, shown: str) -> None:
    assert namespaced(Module(module, objects=(mention(name),))).objects[0].name == shown


def test_every_mention_is_renamed_and_the_api_s_own_types_are_not() -> None:
    roofs = TypeDef("LIST_KIND", element=mention("Roof"))
    house = TypeDef(
        "OBJECT_KIND", name="House", functions=(Function("roofs", roofs), Function("c", mention("Container")))
    )
    shown = namespaced(Module("house", objects=(house, mention("Roof")))).objects[0].functions
    assert shown[0].return_type.element == mention("HouseRoof")
    assert shown[1].return_type == mention("Container")
