"""Fields are found where they are marked, and nowhere else; none is marked where nobody looks."""

import importlib
import pkgutil
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from baselard.engine import api
from baselard.engine.api import served as core
from baselard.engine.api.objects import serving
from baselard.engine.api.objects.serving import served, served_as, shows
from baselard.engine.api.query.registry import field, gathered


@served_as("Query.thing")
@shows("name", "maxSize")
@dataclass(frozen=True)
class Thing:
    name: str
    max_size: int = 1

    @property
    @served
    def short_name(self) -> str:
        return self.name[:1]

    @served
    def with_name(self, name: str) -> "Thing":
        return Thing(name)

    @served_as("withoutName", "Other.name")
    def without(self) -> "Thing":
        return Thing("")


@field("Thing.asks", missing="half", without=("size",))
def asks(ctx: Any, thing: Thing) -> str:
    return ctx + thing.name


def module(**names: object) -> ModuleType:
    made = ModuleType(__name__)
    vars(made).update(names)
    return made


def test_fields_are_named_after_what_is_marked() -> None:
    fields = gathered(module(Thing=Thing, asks=asks))
    own = ("name", "maxSize", "shortName", "withName", "withoutName", "asks")
    assert set(fields) == {"Query.thing", "Other.name", *(f"Thing.{name}" for name in own)}
    thing = fields["Query.thing"].resolve(name="long", max_size=2)
    assert [fields[f"Thing.{name}"].resolve(thing) for name in own[1:3]] == [2, "l"]
    assert fields["Thing.withName"].resolve(thing, name="new") == Thing("new")
    assert fields["Thing.withoutName"].resolve(thing) == fields["Other.name"].resolve(thing) == Thing("")


def test_who_asks_for_the_session_is_known() -> None:
    fields = gathered(module(Thing=Thing, asks=asks))
    assert {name for name, one in fields.items() if one.asks} == {"Thing.asks"}
    assert fields["Thing.asks"] == serving.Served(asks, "half", ("size",))


def test_what_a_module_imports_is_not_its_own() -> None:
    other = ModuleType("other")
    other.Thing = Thing  # type: ignore[attr-defined]
    assert gathered(other) == {}


def test_two_resolvers_of_a_field_are_refused() -> None:
    again = field("Thing.asks")(lambda _ctx, _thing: "")
    with pytest.raises(ValueError, match=r"Thing\.asks has two resolvers"):
        gathered(module(asks=asks, again=again))


def test_every_mark_in_the_api_is_gathered() -> None:
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(api.__path__, f"{api.__name__}.")]
    modules += [importlib.import_module(f"{api.__name__}.objects.{one.name}") for one in _objects()]
    fields = core.core().fields
    assert gathered(*dict.fromkeys(modules)).keys() == {**fields.registered, **fields.more()}.keys()


def _objects() -> list[pkgutil.ModuleInfo]:
    return list(pkgutil.iter_modules([f"{api.__path__[0]}/objects"]))  # a namespace, which walk_packages leaves out
