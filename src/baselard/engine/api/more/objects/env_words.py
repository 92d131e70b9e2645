"""The values of env files, which are words of a shell: quotes, escapes, ``$NAME`` and ``${NAME:-default}``.

The source of the rules is POSIX, 2.2, 2.6.2 and 2.6.5, as Dagger's env files have them (core/dotenv). What a shell
knows beyond that, such as arithmetic and patterns, is refused.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from baselard.engine.errors import UnboundError, UserError

Lookup = Callable[[str], str]
"""Gives a variable's value; empty is as good as unset."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_OPERATOR = re.compile(r":?[-+=?]")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\+?=|\[)")
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_OF_A_SHELL = {"|": "a pipe", "<": "a redirection", ">": "a redirection", "(": "a list", ")": "a list"}


@dataclass(frozen=True)
class Literal:
    """Text that stays as it is."""

    text: str


@dataclass(frozen=True)
class VariableWord:
    """``${name}``; ``operator`` is one of ``-``, ``+`` and ``?`` with or without a colon, or empty."""

    name: str
    operator: str = ""
    word: "Word" = ()


@dataclass(frozen=True)
class Quoted:
    """Text in quotes: never split into fields."""

    parts: "Word"


@dataclass(frozen=True)
class Substitution:
    """A command substitution, which fails once it is needed."""


Part = Literal | VariableWord | Quoted | Substitution
Word = tuple[Part, ...]


def words(value: str) -> list[Word]:
    """The words of what stands behind ``NAME=``. Raises UserError, with the reason, for what is no words."""
    return list(_Scanner(value).words())


def check_literal(text: str) -> None:
    """Raise UserError for text without quotes that a shell would make several words of."""
    if _BRACES.search(text):
        raise UserError("braces must be quoted: a shell makes several words of them")


class _Scanner:
    """Reads the words of one line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def words(self) -> Iterator[Word]:
        """The words up to the end of the command or a comment."""
        number = 0
        while self.at < len(self.text):
            if self._peek().isspace():
                self.at += 1
                number = number or 1  # the value itself is empty
            elif (self._peek() == "#" and self.at) or self._ends():
                return
            elif number == 1 and _ASSIGNMENT.match(self.text, self.at):
                raise UserError("can't assign multiple variables")
            else:
                yield self._word()
                number += 1

    def _ends(self) -> bool:
        """Whether the command ends here."""
        if self.text.startswith(("&&", ";;"), self.at):
            raise UserError("not a bare assignment")
        return self._peek() in ";&"

    def _word(self) -> Word:
        parts: list[Part] = []
        while self.at < len(self.text) and not self._peek().isspace() and not self._ends():
            if unknown := _OF_A_SHELL.get(self._peek()):
                raise UserError(f"{self._peek()} means {unknown} to a shell: quote it")
            parts.append(self._part())
        check_literal("".join(part.text if isinstance(part, Literal) else "_" for part in parts))
        return tuple(parts)

    def _part(self) -> Part:
        match self._next():
            case "'":
                return Quoted((Literal(self._until("'")),))
            case '"':
                return Quoted(tuple(self._in_quotes()))
            case "\\":
                return Quoted((Literal(self._next() if self.at < len(self.text) else "\\"),))
            case "$":
                return self._dollar()
            case "`":
                self._until("`")
                return Substitution()
            case letter:
                return Literal(letter)

    def _in_quotes(self) -> Iterator[Part]:
        while (letter := self._next('"')) != '"':
            if letter == "\\" and self._peek() in '"\\$`':
                yield Literal(self._next())
            elif letter == "$":
                yield self._dollar(quote=False)
            elif letter == "`":
                self._until("`")
                yield Substitution()
            else:
                yield Literal(letter)

    def _dollar(self, *, quote: bool = True) -> Part:
        if self.text.startswith(("((", "["), self.at):
            raise UserError("arithmetic is not served: write the number")
        if self._peek() == "(":
            return self._command()
        if quote and self._peek() in "\"'":
            raise UserError(f"${self._peek()} is not served: write the characters themselves")
        if self._peek() == "{":
            self.at += 1
            return self._braced()
        match = _NAME.match(self.text, self.at)
        if not match:
            return Literal("$")
        self.at = match.end()
        return VariableWord(match[0])

    def _command(self) -> Substitution:
        depth = 0
        while (letter := self._next(")")) != ")" or depth > 1:
            depth += (letter == "(") - (letter == ")")
        return Substitution()

    def _braced(self) -> VariableWord:
        match = _NAME.match(self.text, self.at)
        self.at = match.end() if match else self.at
        if match and self._peek() == "}":
            self.at += 1
            return VariableWord(match[0])
        operator = _OPERATOR.match(self.text, self.at)
        if not match or not operator or "=" in operator[0]:
            raise UserError("of a shell's expansions only ${NAME}, ${NAME:-…}, ${NAME:+…} and ${NAME:?…} are served")
        self.at = operator.end()
        parts: list[Part] = []
        while self._peek() != "}":
            parts.append(self._part() if self.at < len(self.text) else self._missing("}"))
        self.at += 1
        return VariableWord(match[0], operator[0], tuple(parts))

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1] or "\0"

    def _next(self, wanted: str = "") -> str:
        if self.at >= len(self.text):
            self._missing(wanted)
        self.at += 1
        return self.text[self.at - 1]

    def _until(self, end: str) -> str:
        start, found = self.at, self.text.find(end, self.at)
        if found < 0:
            self._missing(end)
        self.at = found + 1
        return self.text[start:found]

    def _missing(self, wanted: str) -> Part:
        raise UserError(f"reached EOF without closing {wanted}")


def expanded(word: Word, lookup: Lookup, ifs: str) -> str:
    """The word's fields, joined by one space; what is referred to outside of quotes is split at characters of ``ifs``.

    Raises UserError for a reference to nothing, and for commands.
    """
    fields: list[str] = []
    current: str | None = None
    for part in word:
        splits = isinstance(part, VariableWord)
        for letter in text(part, lookup) if splits else (text(part, lookup),):
            if not splits or letter not in ifs:
                current = (current or "") + letter
            elif current is not None:
                fields.append(current)
                current = None
    return " ".join(fields if current is None else [*fields, current])


def text(part: Part, lookup: Lookup) -> str:
    """The text that a part stands for."""
    match part:
        case Literal():
            return part.text
        case Quoted():
            return "".join(text(inner, lookup) for inner in part.parts)
        case Substitution():
            raise UserError("unexpected command substitution")
        case VariableWord():
            return _referred(part, lookup)


def _referred(part: VariableWord, lookup: Lookup) -> str:
    value = lookup(part.name)
    other = "".join(text(inner, lookup) for inner in part.word) if part.operator and not _unused(part, value) else ""
    match part.operator.removeprefix(":"):
        case "-":
            return value or other
        case "+":
            return other if value else ""
        case "?" if not value:
            raise UserError(f"{part.name}: {other}")
        case "" if not value:
            raise UnboundError(f"{part.name}: unbound variable")
        case _:
            return value


def _unused(part: VariableWord, value: str) -> bool:
    """Whether the word after the operator has no say, and so need not be worth anything."""
    return bool(value) != part.operator.endswith("+")
