"""The functions of a module that need no arguments: checks, generators and services are found among these."""

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from baselard.engine.api.objects.typedef import Function, Module, TypeDef, kebab


@dataclass(frozen=True)
class Step:
    """One function of a chain. ``owner`` is the type it belongs to; ``field`` marks a mere attribute of it."""

    owner: TypeDef
    function: Function
    args: Mapping[str, Any] = field(default_factory=dict)
    field: bool = False


Steps = tuple[Step, ...]
FindType = Callable[[str], TypeDef | None]
"""Gives the definition of a type by its name: the module's own, or one of the API's."""


def functions(module: Module) -> Iterator[Steps]:
    """Every function that can be reached and called without arguments, with those on the way; the constructor first."""
    main = module.main
    if main.constructor is not None and not _needs(main.constructor):
        yield from _below(module, main, (Step(main, main.constructor),))


def name(steps: Steps) -> str:
    """``object:function``, in kebab-case."""
    return ":".join(kebab(step.function.name) for step in steps[1:])


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern (a glob, or the beginning of a name up to a colon) fits; without patterns all do."""
    return not patterns or any(fnmatch.fnmatchcase(name, text) or name.startswith(text + ":") for text in patterns)


def _below(module: Module, owner: TypeDef, steps: Steps) -> Iterator[Steps]:
    for function in owner.functions:
        if _needs(function):
            continue
        here = (*steps, Step(owner, function))
        yield here
        returned = module.find(function.return_type.name)
        if returned and returned.kind == "OBJECT_KIND" and all(step.owner != returned for step in here):
            yield from _below(module, returned, here)


def _needs(function: Function) -> bool:
    return any(arg.required for arg in function.args)
