"""Checks that a schema cannot make of `baselard.yaml`: dates and targets that exist, rules that can be read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from typing import Any

from pipeline import platforms
from pipeline.config.config import Config
from pipeline.errors import ConfigError, UsageError
from pipeline.references import parse_reference
from pipeline.tags import rules


def check(config: Config) -> Config:
    """The same configuration; ConfigError with the line of what cannot be meant."""
    for where, platform in _platforms(config):
        _tried(config, where, platforms.check_platform, platform)
    for where, day in _days(config):
        _tried(config, where, date.fromisoformat, day)
    for number, base in enumerate(config.bases):
        for target in base.budgets:
            known(config, ("bases", str(number), "budgets", target), "target", base.targets)
    if config.scan:
        _tried(config, ("scan", "image"), parse_reference, config.scan.image)
    for key, parse in (("tags", rules.parse), ("flavor", rules.parse_flavor)):
        for number, line in enumerate(getattr(config.publish, key)):
            _tried(config, ("publish", key, str(number)), parse, [line])
    return config


def _platforms(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    """The platforms that are named, and where."""
    for name, example in config.examples.items():
        for number, platform in enumerate(example.platforms):
            yield ("examples", "settings", name, "platforms", str(number)), platform
    for platform in config.runners:
        yield ("matrix", "runners", platform), platform
    for number, platform in enumerate(config.publish.platforms):
        yield ("publish", "platforms", str(number)), platform


def _days(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    """The last days that are set, and where."""
    for name, example in config.examples.items():
        if example.quarantine:
            yield ("examples", "settings", name, "quarantine", "until"), example.quarantine.until
    for number, entry in enumerate(config.scan.ignore if config.scan else ()):
        yield ("scan", "ignore", str(number), "until"), entry.until


def known(config: Config, where: Sequence[str], kind: str, names: Collection[str]) -> None:
    """Raise ConfigError unless the last part of a path is one of these names."""
    name = where[-1]
    if name in names:
        return
    close = difflib.get_close_matches(name, names, 1)
    there = f"there are {', '.join(sorted(names))}" if any(names) else f"there is no {kind} at all"
    hint = f"did you mean {close[0]!r}?" if close else there
    raise ConfigError(f"{config.place(where)}: there is no {kind} {name!r}; {hint}")


def _tried(config: Config, where: Sequence[str], check: Callable[[Any], object], value: Any) -> None:
    try:
        check(value)
    except (UsageError, ValueError) as error:
        raise ConfigError(f"{config.place(where)}: {'.'.join(where)}: {error}") from error
