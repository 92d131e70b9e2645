"""Which fields of the API are served, and by what.

A field that needs no session stands where its object stands (``objects/serving.py``). Any other is a function ``def``
or ``async def f(ctx, parent, *, args…)``, marked by ``field``; those of ``Query`` have no parent.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

from baselard.engine.api.objects.serving import Marked, Served, mark, marks


def anywhere(_name: str) -> str:
    """The advice for a field of which nothing else is known."""
    return "run the same code on a Dagger engine"


@dataclass(frozen=True)
class Registry:
    """The fields that are served, by their names (``Type.field``), and what to use instead of one that is not.

    ``more`` gives those that are seldom asked for; it is called for a field that is not among ``fields``.
    """

    fields: Mapping[str, Served] = dataclasses.field(default_factory=dict)
    way_out: Callable[[str], str] = anywhere
    more: Callable[[], Mapping[str, Served]] = dict


def field(name: str, *, missing: str = "", without: tuple[str, ...] = ()) -> Callable[[Marked], Marked]:
    """Mark the decorated function as the resolver of ``name``, written ``Type.field``.

    ``without`` names arguments that are not served (sending one is an error), ``missing`` says what else is not.
    """
    return lambda function: mark(function, {name: Served(function, missing, without)})


def gathered(*modules: ModuleType) -> dict[str, Served]:
    """The fields that are marked in these modules. Raises ValueError when a field has two resolvers."""
    fields: dict[str, Served] = {}
    for module in modules:
        for what in _own(module):
            if twice := fields.keys() & marks(what).keys():
                raise ValueError(f"{', '.join(twice)} has two resolvers")
            fields.update(marks(what))
    return fields


def _own(module: ModuleType) -> Iterator[object]:
    """The things that a module defines, not those that it imports: functions, classes, and what these define."""
    for what in vars(module).values():
        if getattr(what, "__module__", "") != module.__name__:
            continue
        yield what
        if isinstance(what, type):
            yield from (member.fget if isinstance(member, property) else member for member in vars(what).values())
