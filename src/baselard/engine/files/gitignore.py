"""The rules of .gitignore files, as gitignore(5) describes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from baselard.engine.files import patterns

_TOKEN = re.compile(
    r"""(?P<all>\A\*\*+\Z) | (?P<start>\A(?:\*\*/)+) | (?P<end>(?:/\*\*)+\Z) | (?P<middle>/(?:\*\*/)+) | (?P<stars>\*+)
      | (?P<one>\?) | \[(?P<not>[!^]?)(?P<set>\]?(?:\\.|[^\\\]])*)\] | \\(?P<escaped>.) | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_FIXED = {"all": ".+", "start": "(?:.*/)?", "end": "/.+", "middle": "/(?:.*/)?", "stars": "[^/]*", "one": "[^/]"}


@dataclass(frozen=True)
class Rule:
    """One line. ``regex`` is for paths relative to the file's directory."""

    negated: bool
    directories_only: bool
    regex: re.Pattern[str]


@dataclass(frozen=True)
class Rules:
    """One file's lines. ``base`` is its directory with a trailing slash, ``""`` at the root of the walk.

    ``above`` is set instead for a file above that root: what leads from there to the root, with a trailing slash.
    """

    base: str
    rules: tuple[Rule, ...]
    above: str = ""

    def verdict(self, path: str, is_directory: bool) -> bool | None:
        """True ignored, False taken back, None not mentioned: the last line that matches decides."""
        local = self.above + path[len(self.base) :]
        for rule in reversed(self.rules):
            if (is_directory or not rule.directories_only) and rule.regex.fullmatch(local):
                return not rule.negated
        return None


def ignored(files: Sequence[Rules], path: str, *, is_directory: bool) -> bool:
    """Whether the files, outermost first, ignore ``path``; its parents are not ignored. Inner files win."""
    for rules in reversed(files):
        verdict = rules.verdict(path, is_directory)
        if verdict is not None:
            return verdict
    return False


def parse(text: str) -> tuple[Rule, ...]:
    """The rules of one file's text. Lines that are not well-formed match nothing, as with git."""
    return tuple(rule for line in text.split("\n") if (rule := _rule(line)))


def _rule(line: str) -> Rule | None:
    line = re.sub(r"(?<!\\)[ \t]+\Z", "", line.rstrip("\r"))
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    pattern = line.removeprefix("!")
    directories_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    if not pattern:
        return None
    text = pattern.removeprefix("/") if "/" in pattern else "**/" + pattern
    try:
        return Rule(negated, directories_only, re.compile(_regex(text), re.DOTALL))
    except re.error:
        return None


def _regex(pattern: str) -> str:
    return "".join(_translate(token) for token in _TOKEN.finditer(pattern))


def _translate(token: re.Match[str]) -> str:
    kind = token.lastgroup or ""
    if kind == "set":
        return f"(?!/)[{'^' if token['not'] else ''}{patterns.char_set(token['set'])}]"
    return _FIXED.get(kind) or re.escape(token["escaped"] or token["plain"])
