"""The functions of a module that need no arguments: checks, generators and services are found among these."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from baselard.engine.api.objects.names import kebab
from baselard.engine.api.objects.typedef import Function, Module, TypeDef
from baselard.engine.errors import UserError
from baselard.engine.files.wildcard_match import Gap, Matcher, compiled


@dataclass(frozen=True)
class Step:
    """One function of a chain. ``owner`` is the type it belongs to; ``field`` marks a mere attribute of it."""

    owner: TypeDef
    function: Function
    args: Mapping[str, object] = field(default_factory=dict)
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
    """Whether a pattern (a glob, or the beginning of a name up to a colon) fits; without patterns all do.

    As in Dagger, ``*`` does not cross a colon, and ``**`` between colons does. Raises UserError for braces.
    """
    parts = f"{name}:".replace(":", "/")
    return not patterns or any(_glob(text).fullmatch(parts) or name.startswith(f"{text}:") for text in patterns)


def _glob(text: str) -> Matcher:
    """Matches a name with a slash behind each of its parts."""
    if "{" in text:
        raise UserError(f"{text}: braces are not served in patterns: give several patterns")
    steps: list[str | Gap] = []
    for part in text.split(":"):
        steps += [Gap.DIRECTORIES] if part == "**" else [*_part(part), "/"]
    try:
        return compiled([steps])
    except re.error as error:
        raise UserError(f"{text}: no pattern: {error}") from None


def _part(text: str) -> Iterator[str | Gap]:
    meaning: dict[str, str | Gap] = {"*": Gap.NAME, "?": "[^/]"}
    for piece in re.findall(r"\[[^\]]+\]|.", text.replace("/", ":"), re.DOTALL):  # colons are in no name any more
        yield meaning.get(piece) or (piece.replace("[!", "[^") if len(piece) > 1 else re.escape(piece))


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
