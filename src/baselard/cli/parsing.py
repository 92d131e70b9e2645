"""argparse as the command line wants it: no abbreviations, no exits, one sentence for a mistake, our own columns."""

import argparse
from argparse import Action, ArgumentError, ArgumentParser, HelpFormatter, Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from baselard.cli.columns import section
from baselard.cli.options import Help, unknown
from baselard.engine.errors import UserError


class Parser(ArgumentParser):
    """The flags and arguments of one command."""

    def __init__(self, command: str, takes: str = "", about: str = "", *, helps: bool = True) -> None:
        super().__init__(
            f"baselard {command}", formatter_class=_formatter, add_help=False, allow_abbrev=False, exit_on_error=False
        )
        self.takes = takes
        self.about = about
        if helps:
            self.add_argument("-h", "--help", action=_Helping, nargs=0, default=argparse.SUPPRESS, help="show this")

    def read(self, words: Sequence[str]) -> Namespace:
        """The options and arguments of a command line. Raises UserError for what is wrong with it, and Help."""
        try:
            asked, rest = self.parse_known_intermixed_args(words)
        except ArgumentError as error:
            raise UserError(self._explained(error, words)) from None
        for word in rest:
            if word.startswith("-"):
                raise UserError(unknown("option", word.partition("=")[0], self.names))
            raise UserError(f"unknown argument {word}; write {self.line}")
        return asked

    def taken(self, words: Sequence[str]) -> tuple[str, int]:
        """The option that ``words`` begin with, as one word, and how many words it took; none if it is not one of ours.

        Raises UserError when its value is missing.
        """
        name, equals, _ = words[0].partition("=")
        action = self._option_string_actions.get(name)
        if action is None or (equals and action.nargs == 0):
            return "", 0
        if equals or action.nargs == 0:
            return words[0], 1
        if len(words) < 2:
            raise UserError(_without_value(name, action))
        return f"{name}={words[1]}", 2

    @property
    def line(self) -> str:
        """How a command line looks."""
        optional = "[OPTION …]" if self.names != ["--help"] else ""
        return " ".join(filter(None, [self.prog, optional, self.takes]))

    @property
    def names(self) -> list[str]:
        """All options that are more than a letter, as typed."""
        return [name for name in self._option_string_actions if name.startswith("--")]

    @property
    def first(self) -> Sequence[str]:
        """The values of the first argument, where it is one of a few."""
        return next((tuple(one.choices) for one in self._actions if not one.option_strings and one.choices), ())

    def words(self) -> Iterator[tuple[str, str]]:
        """Each option in its first form that is more than a letter, with its explanation."""
        for action in (one for one in self._actions if one.option_strings):
            yield next(name for name in action.option_strings if name.startswith("--")), action.help or ""

    def choices(self, words: Sequence[str]) -> Sequence[str] | None:
        """The values of an option that is the last of these words; none where it does not wait for a value."""
        action = self._option_string_actions.get(words[-1]) if words else None
        if action is None or action.nargs == 0:
            return None
        return tuple(action.choices or ())

    def rows(self) -> Iterator[tuple[str, str]]:
        """Each option as typed, with its explanation."""
        for action in (one for one in self._actions if one.option_strings):
            value = "" if action.nargs == 0 else f" {_value(action)}"
            yield ", ".join(action.option_strings) + value, action.help or ""

    def format_usage(self) -> str:
        return f"Usage: {self.line}\n"

    def format_help(self) -> str:
        return "\n".join(filter(None, [self.format_usage(), self.about, section("Options", self.rows())]))

    def error(self, message: str) -> NoReturn:
        """Raise UserError: argparse calls this where no single argument is wrong."""
        raise UserError(f"{self.prog}: {message}; write {self.line}")

    def _explained(self, error: ArgumentError, words: Sequence[str]) -> str:
        action = next((one for one in self._actions if "/".join(one.option_strings) == error.argument_name), None)
        if action is None:
            return f"{self.prog}: {error.message}; write {self.line}"
        spelled = (word for word in reversed(words) if word.startswith(tuple(action.option_strings)))
        typed = next(spelled, action.option_strings[0])
        return unknown("option", typed, self.names) if action.nargs == 0 else _without_value(typed, action)


def _formatter(prog: str) -> HelpFormatter:
    """The formatter by which argparse checks flags; told a width, it does not load what looks at the terminal."""
    return HelpFormatter(prog, width=116)


def _without_value(name: str, action: Action) -> str:
    return f"{name} needs a value: {_value(action)}"


def _value(action: Action) -> str:
    return str(action.metavar or action.dest.upper())


class _Helping(Action):
    def __call__(self, parser: ArgumentParser, *_: object) -> NoReturn:
        raise Help(parser.format_help())


def one_of(said: str, choices: Sequence[str]) -> Callable[[str], str]:
    def chosen(text: str) -> str:
        if text not in choices:
            raise UserError(f"{said} {text}: there is {', '.join(choices)}")
        return text

    return chosen
