"""Marks by which a field of the API stands where its object stands; ``query/registry.py`` gathers them.

What is marked knows no session. It takes its object, if the field has one, and the field's arguments, their names
snake_cased (a Python keyword gets a trailing underscore). Objects arrive loaded from their IDs, lists as tuples, enums
as their underlying names. An optional argument that is absent, or null, is left out: Python's defaults are the API's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from baselard.engine.api.objects.names import camel, snake_case

Marked = TypeVar("Marked", bound=Callable[..., object])
_MARK = "_fields_of_the_api"


@dataclass(frozen=True)
class Served:
    """One served field: its resolver and, where it is served in part, what is missing, arguments by name.

    ``asks`` says that the resolver is given the context of the request, ahead of the object.
    """

    resolve: Callable[..., object]
    missing: str = ""
    without: tuple[str, ...] = ()
    asks: bool = True


def served(method: Marked) -> Marked:
    """Serve a method, or the getter of a property, as the field of the same name, in camelCase."""
    return served_as(camel(method.__name__))(method)


def served_as(*names: str, missing: str = "") -> Callable[[Marked], Marked]:
    """Serve a method as these fields of its class, a function or a class as those of full names, ``Type.field``.

    ``missing`` says what of the field is not served.
    """

    def marked(what: Marked) -> Marked:
        owner = what.__qualname__.rpartition(".")[0]
        return mark(what, {_full(name, owner): Served(what, missing, asks=False) for name in names})

    return marked


def shows(*names: str, **paths: str) -> Callable[[Marked], Marked]:
    """Serve attributes of a class: fields named as they are, in camelCase, and others by the way to an attribute.

    ``@shows("maxSize", user="config.user")``. On a function, for a class that is not the API's own, names are full.
    """
    ways = {**{name: snake_case(name.rpartition(".")[2]) for name in names}, **paths}

    def marked(what: Marked) -> Marked:
        return mark(
            what, {_full(name, what.__qualname__): Served(_attribute(way), asks=False) for name, way in ways.items()}
        )

    return marked


def mark(what: Marked, fields: Mapping[str, Served]) -> Marked:
    """Say which fields ``what`` serves."""
    setattr(what, _MARK, {**marks(what), **fields})
    return what


def marks(what: object) -> Mapping[str, Served]:
    """The fields that ``what`` serves, not counting those of its methods."""
    fields: Mapping[str, Served] = getattr(what, "__dict__", {}).get(_MARK, {})
    return fields


def _full(name: str, owner: str) -> str:
    return name if "." in name else f"{owner}.{name}"


def _attribute(way: str) -> Callable[[object], object]:
    def attribute(value: object) -> object:
        return attrgetter(way)(value)

    return attribute
