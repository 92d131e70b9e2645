"""Options that belong to every command rather than to a function."""

import difflib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from baselard.engine.errors import UserError

PROGRESS = ("auto", "tty", "plain", "dots", "quiet")


@dataclass(frozen=True)
class Options:
    """What was asked for apart from the function: ``module`` as given to ``-m``, ``output`` the path of ``-o``."""

    module: str = ""
    output: str = ""
    json: bool = False
    quiet: int = 0
    verbose: int = 0
    progress: str = "auto"
    no_cache_exec: bool = False
    interactive: bool = False
    interactive_command: str = "/bin/sh"
    help: bool = False
    listing: bool = False

    @property
    def on_failure(self) -> tuple[str, ...]:
        """What opens in the container of a command that failed, as argv; empty when nothing does."""
        return tuple(shlex.split(self.interactive_command)) if self.interactive else ()


_SWITCHES = {
    "-j": "json",
    "--json": "json",
    "-q": "quiet",
    "--quiet": "quiet",
    "-s": "quiet",
    "--silent": "quiet",
    "-v": "verbose",
    "--verbose": "verbose",
    "--no-cache-exec": "no_cache_exec",
    "-i": "interactive",
    "--interactive": "interactive",
    "-h": "help",
    "--help": "help",
    "-l": "listing",
    "--list": "listing",
}
_VALUES = {
    "-m": "module",
    "--mod": "module",
    "-o": "output",
    "--output": "output",
    "--progress": "progress",
    "--interactive-command": "interactive_command",
}


def take(options: Options, words: Sequence[str]) -> tuple[Options, int] | None:
    """The options after the first of ``words``, and how many words it took; None if it is no option of ours.

    Raises UserError when its value is missing or is none of those it may have.
    """
    name, equals, value = words[0].partition("=")
    if name in _SWITCHES and not equals:
        return _switched(options, _SWITCHES[name]), 1
    if name not in _VALUES:
        return None
    if not equals and len(words) < 2:
        raise UserError(f"{name} needs a value")
    value = value if equals else words[1]
    if _VALUES[name] == "progress" and value not in PROGRESS:
        raise UserError(f"--progress {value}: there is {', '.join(PROGRESS)}")
    given: dict[str, Any] = {_VALUES[name]: value}
    return replace(options, **given), 1 if equals else 2


def early(argv: Sequence[str]) -> Options:
    """The options anywhere in a command line whose other flags are not known yet."""
    options, at = Options(), 0
    while at < len(argv):
        taken = take(options, argv[at:]) if argv[at].startswith("-") else None
        options, at = (taken[0], at + taken[1]) if taken else (options, at + 1)
    return options


def split(argv: Sequence[str]) -> tuple[Options, list[str]]:
    """The options of a command that calls no function, and its arguments. Raises UserError for an unknown option."""
    options, rest, at = Options(), [], 0
    while at < len(argv):
        taken = take(options, argv[at:]) if argv[at].startswith("-") else None
        if taken:
            options, at = taken[0], at + taken[1]
            continue
        if argv[at].startswith("-"):
            raise UserError(unknown("option", argv[at], names()))
        rest.append(argv[at])
        at += 1
    return options, rest


def names() -> list[str]:
    """All options, as typed."""
    return [name for name in (*_SWITCHES, *_VALUES) if name.startswith("--")]


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """The sentence that says ``given`` is not known, with what was probably meant."""
    near = difflib.get_close_matches(given, list(known), n=1)
    return f"unknown {what} {given}" + (f"; did you mean {near[0]}?" if near else "")


def _switched(options: Options, name: str) -> Options:
    value = getattr(options, name)
    given: dict[str, Any] = {name: True if isinstance(value, bool) else value + 1}
    return replace(options, **given)
