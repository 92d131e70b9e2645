"""The rules of .gitignore files, as git reads them (gitignore(5)). Paths and patterns are bytes, as there."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from baselard.engine.files import wildmatch

_BOM = b"\xef\xbb\xbf"
_LITERAL = re.compile(rb"[^*?\[\\]*")

Matches = Callable[[bytes], bool]


@dataclass(frozen=True)
class IgnoreRule:
    """One line. ``matches`` is asked about a path relative to the file's directory."""

    negated: bool
    directories_only: bool
    matches: Matches


@dataclass(frozen=True)
class Rules:
    """One file's lines. ``base`` is its directory with a trailing slash, ``""`` at the root of the walk.

    ``above`` is set instead for a file above that root: what leads from there to the root, with a trailing slash.
    """

    base: str
    text: bytes
    above: str = ""
    rules: tuple[IgnoreRule, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", parse(self.text))

    def verdict(self, path: str, is_directory: bool) -> bool | None:
        """True ignored, False taken back, None not mentioned: the last line that matches decides."""
        local = os.fsencode(self.above + path[len(self.base) :])
        for rule in reversed(self.rules):
            if (is_directory or not rule.directories_only) and rule.matches(local):
                return not rule.negated
        return None


def ignored(files: Sequence[Rules], path: str, *, is_directory: bool) -> bool:
    """Whether the files, outermost first, ignore ``path``; its parents are not ignored. Inner files win."""
    for rules in reversed(files):
        verdict = rules.verdict(path, is_directory)
        if verdict is not None:
            return verdict
    return False


def parse(text: bytes) -> tuple[IgnoreRule, ...]:
    """The rules of one file's text. Lines that are not well-formed match nothing, as with git."""
    lines = text.removeprefix(_BOM).split(b"\n")
    return tuple(rule for line in lines if (rule := _rule(line.removesuffix(b"\r").partition(b"\0")[0])))


def _rule(line: bytes) -> IgnoreRule | None:
    if line.startswith(b"#"):
        return None
    line = _without_trailing_spaces(line)
    negated = line.startswith(b"!")
    pattern = line.removeprefix(b"!")
    directories_only = pattern.endswith(b"/")
    pattern = pattern.removesuffix(b"/")
    matches = _of_path(pattern.removeprefix(b"/")) if b"/" in pattern else _of_name(pattern)
    return IgnoreRule(negated, directories_only, matches) if pattern and matches else None


def _without_trailing_spaces(line: bytes) -> bytes:
    """As git has it: a space behind a backslash stays."""
    text = line.rstrip(b" ")
    backslashes = len(text) - len(text.rstrip(b"\\"))
    return text + b" " if len(text) < len(line) and backslashes % 2 else text


def _of_name(pattern: bytes) -> Matches | None:
    """A pattern without a slash, which the last name of a path must match."""
    expression = wildmatch.translate(pattern, path=False)
    if expression is None:
        return None
    return lambda path: expression.fullmatch(path.rpartition(b"/")[2].decode("latin-1")) is not None


def _of_path(pattern: bytes) -> Matches | None:
    """A pattern with one. What precedes the first wildcard is compared by itself: ``**`` after it stands alone."""
    literal = _LITERAL.match(pattern)[0]  # type: ignore[index]  # it matches nothing at least
    expression = wildmatch.translate(pattern[len(literal) :], path=True)
    if expression is None:
        return None
    return lambda path: (
        path.startswith(literal) and expression.fullmatch(path[len(literal) :].decode("latin-1")) is not None
    )
