"""One Dockerfile by a matrix of arguments, read as GitHub Actions reads a job's `strategy.matrix`.

Source of the rules: "Running variations of jobs in a workflow" in GitHub's documentation. Every combination of the
lists comes first. `exclude` takes away each that has all the values of one of its entries. Then the entries of
`include` are added, one after the other, to each combination whose own values they do not change (values that an
earlier entry added they may change); one that fits no combination is a combination of its own, to which no later entry
is added.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pipeline.config.config import BaseSettings, ExampleSettings, Variables
from pipeline.errors import UsageError

INCLUDE, EXCLUDE = "include", "exclude"
MOST = 256
"""Combinations that a matrix may have, as in Actions."""

NAME = "variant"
"""What stands in a text for all values of a variant, joined by hyphens."""

_PLACE = re.compile(r"(?<!\{)(?<!\\[pPu])\{([A-Za-z_][A-Za-z0-9_]*)\}(?!\})")
Settings = TypeVar("Settings", bound=BaseSettings | ExampleSettings)


def combinations(matrix: Mapping[str, Any]) -> list[dict[str, str]]:
    """The variants that a matrix stands for, in their order. UsageError for one that stands for none."""
    lists = {name: values for name, values in matrix.items() if name not in (INCLUDE, EXCLUDE)}
    if math.prod(map(len, lists.values())) > MOST:
        raise UsageError(f"it stands for more than {MOST} variants")
    product = [dict(zip(lists, map(_text, values), strict=True)) for values in itertools.product(*lists.values())]
    excluded = [_texts(entry) for entry in matrix.get(EXCLUDE, ())]
    for entry in excluded:
        for name in entry:
            if name not in lists:
                raise UsageError(f"exclude names {name}, of which there is no list")
    own = [one for one in product if lists and not any(one.items() >= entry.items() for entry in excluded)]
    found = _included(own, [_texts(entry) for entry in matrix.get(INCLUDE, ())])
    if not found:
        raise UsageError("it stands for no variant")
    return found


def _included(own: Sequence[dict[str, str]], entries: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    extended = [dict(one) for one in own]
    others: list[dict[str, str]] = []
    for entry in entries:
        fitting = [
            index
            for index, one in enumerate(own)
            if all(one.get(name, value) == value for name, value in entry.items())
        ]
        for index in fitting:
            extended[index] |= entry
        others += [] if fitting else [entry]
    return [*extended, *others]


def _texts(entry: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in entry.items()}


def _text(value: Any) -> str:
    """A value as it is written in YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def expanded(settings: Settings) -> list[Settings]:
    """The settings of each variant; the very same where there are none.

    UsageError for a text that asks for a value which a variant does not have.
    """
    if not settings.variants:
        return [settings]
    return [_of(settings, variant) for variant in combinations(settings.variants)]


def called(variant: Mapping[str, str]) -> str:
    """The name of a variant: its values."""
    return "-".join(variant.values())


def of_base(settings: BaseSettings) -> list[BaseSettings]:
    """The same of a base: its name and gossfiles too, and tags that tell the variants apart unless its name does."""
    if not settings.variants:
        return [settings]
    usual = () if asked(settings.name) else (f"{{{NAME}}}",)
    return [
        replace(
            one,
            name=filled(one.name, one.variant),
            goss=_path(one.goss, one.variant),
            tags=tuple(filled(tag, one.variant) for tag in one.tags or usual),
        )
        for one in expanded(settings)
    ]


def _of(settings: Settings, variant: Mapping[str, str]) -> Settings:
    arguments = {name: filled(text, variant) for name, text in settings.build_args.items()}
    return replace(
        settings,
        variant=variant,
        dockerfile=_path(settings.dockerfile, variant),
        context=_path(settings.context, variant),
        contexts={name: _path(text, variant) for name, text in settings.contexts.items()},
        build_args={**variant, **arguments},
        vars=Variables(_path(settings.vars.file, variant), settings.vars.inline),
    )


def _path(text: str, variant: Mapping[str, str]) -> str:
    """A text that is a path of the repository with its values, and then still one."""
    path = filled(text, variant)
    if path.startswith("/") or ".." in path.split("/"):
        raise UsageError(f"{text!r} leads out of the repository, to {path}")
    return path


def filled(text: str, variant: Mapping[str, str]) -> str:
    """The text with a variant's values where it names them; UsageError for a value that there is not."""
    values = {**variant, NAME: called(variant)}

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            has = ", ".join(f"{name}={value}" for name, value in variant.items())
            raise UsageError(f"{text!r} asks for {match[1]}, of which the variant {has} has no value")
        return values[match[1]]

    return _PLACE.sub(value, text)


def asked(text: str) -> set[str]:
    """The names of the values that a text asks for."""
    return set(_PLACE.findall(text))
