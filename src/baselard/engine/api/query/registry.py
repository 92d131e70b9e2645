"""Which fields of the API are served, and by what function.

A resolver is ``def`` or ``async def f(ctx, parent, *, args…)``; resolvers of ``Query`` have no parent. Argument names
are snake_cased (a Python keyword gets a trailing underscore), objects arrive loaded from their IDs, enums as their
underlying names. An optional argument that is absent, or null, is left out: Python's defaults are the API's defaults.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Served:
    """One served field: its resolver and, where it is served in part, what is missing, arguments by name."""

    resolve: Callable[..., Any]
    missing: str = ""
    without: tuple[str, ...] = ()


FIELDS: dict[str, Served] = {}
NOT_SERVED: dict[str, str] = {}


def field(name: str, *, missing: str = "", without: tuple[str, ...] = ()) -> Callable[[Function], Function]:
    """Register the decorated function as the resolver of ``name``, written ``Type.field``.

    ``without`` names arguments that are not served (sending one is an error), ``missing`` says what else is not.
    """

    def register(function: Function) -> Function:
        _add(name, Served(function, missing, without))
        return function

    return register


def attributes(type_name: str, *names: str) -> None:
    """Serve fields of ``type_name`` from the object's attributes of the same, snake_cased, names."""
    for name in names:
        _add(f"{type_name}.{name}", Served(_attribute(snake_case(name))))


def not_served(name: str, instead: str) -> None:
    """Say why ``name`` (``Type.field``, or ``Type`` for all its fields) is not served and what to use instead."""
    NOT_SERVED[name] = instead


def way_out(name: str) -> str:
    """What to use instead of the field ``name``, which is not served."""
    type_name = name.partition(".")[0]
    return NOT_SERVED.get(name) or NOT_SERVED.get(type_name) or "run the same code on a Dagger engine"


def snake_case(name: str) -> str:
    """``useEntrypoint`` as ``use_entrypoint``, ``maxAPICalls`` as ``max_api_calls``."""
    out: list[str] = []
    for i, letter in enumerate(name):
        after_lower = letter.isupper() and i > 0 and not name[i - 1].isupper()
        before_word = letter.isupper() and i > 0 and name[i + 1 : i + 2].islower()
        out.append(("_" if after_lower or before_word else "") + letter.lower())
    return "".join(out)


def _add(name: str, served: Served) -> None:
    if name in FIELDS:
        raise ValueError(f"{name} has two resolvers")
    FIELDS[name] = served


def _attribute(name: str) -> Callable[..., Any]:
    return lambda _ctx, parent: getattr(parent, name)
