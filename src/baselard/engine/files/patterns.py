"""Include and exclude patterns as BuildKit and Docker match them (moby/patternmatcher).

``*`` and ``?`` stop at slashes, ``**`` does not, ``!`` takes back what earlier patterns matched, and a matched
directory takes its content along. Paths are asked for from the root downwards, each with its parent's state, so that
every path costs one test.
"""

import itertools
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from baselard.engine.errors import UserError
from baselard.engine.files.wildcard_match import Gap, Matcher, Step, compiled

State = tuple[bool, ...]
"""Which groups of patterns matched a directory or one above it."""

_TOKEN = re.compile(
    r"""(?P<all>\*\*/?\Z) | (?P<dirs>\*\*/?) | (?P<star>\*) | (?P<one>\?)
      | \[(?P<not>\^?)(?P<set>(?:\\.|[^\\\]])+)\] | \\(?P<escaped>.) | (?P<bad>[\[\\]) | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_WILD = re.compile(r"[*?\[\\]")


@dataclass(frozen=True)
class _Group:
    """Patterns of one sign in a row; what holds for each of them holds for all."""

    negated: bool
    regex: Matcher
    segments: tuple[tuple[str, ...], ...]

    def may_match_below(self, directory: Sequence[str]) -> bool:
        return any(_may_match_below(pattern, directory) for pattern in self.segments)


@dataclass(frozen=True)
class Patterns:
    """A compiled list of patterns."""

    groups: tuple[_Group, ...]

    @property
    def nothing(self) -> State:
        """The state of the root, above which nothing matched."""
        return (False,) * len(self.groups)

    def match(self, path: str, parent: State) -> tuple[bool, State]:
        """Whether ``path`` (relative, no leading slash) matches, and the state for what is below it."""
        matched = False
        state = []
        for group, above in zip(self.groups, parent, strict=True):
            hit = above or (group.negated == matched and group.regex.fullmatch(path) is not None)
            state.append(hit)
            if hit:
                matched = not group.negated
        return matched, tuple(state)

    def may_match_below(self, directory: str, *, negated: bool) -> bool:
        """Whether a pattern of this sign could still match something inside ``directory``."""
        segments = directory.split("/")
        return any(g.may_match_below(segments) for g in self.groups if g.negated == negated)


def compile_patterns(patterns: Sequence[str]) -> Patterns:
    """Compile patterns; those that point out of the tree are dropped, as they can match nothing in it.

    Raises UserError for a pattern that is not well-formed.
    """
    cleaned = [entry for entry in map(_clean, patterns) if entry]
    grouped = itertools.groupby(cleaned, key=lambda entry: entry[0])
    return Patterns(tuple(_group(negated, [text for _, text in entries]) for negated, entries in grouped))


def literal(name: str) -> str:
    """The pattern that matches exactly ``name``."""
    return re.sub(r"\s", r"[\g<0>]", re.sub(r"[*?\[\]\\]", r"\\\g<0>", "./" + name))


def _clean(pattern: str) -> tuple[bool, str] | None:
    text = pattern.strip()
    negated = text.startswith("!")
    text = text[1:].strip() if negated else text
    if negated and not text:
        raise UserError(f"pattern {pattern!r} takes nothing back: write a path after the exclamation mark")
    text = posixpath.normpath(text).lstrip("/") if text else ""
    if text in ("", "..") or text.startswith("../"):
        return None
    return negated, text


def _group(negated: bool, patterns: list[str]) -> _Group:
    segments = tuple(tuple(pattern.split("/")) for pattern in patterns)
    return _Group(negated, compiled([_steps(pattern) for pattern in patterns]), segments)


def _steps(pattern: str) -> list[Step]:
    plain = pattern.removeprefix("**")
    if plain != pattern and not plain.startswith("/") and not _WILD.search(plain):
        return [Gap.ANY, re.escape(plain)]  # moby's suffix match: ``**.txt`` is the end of a path at any depth
    try:
        steps = [_translate(token, pattern) for token in _TOKEN.finditer(pattern)]
        compiled([steps])
    except re.error as error:
        raise UserError(f"pattern {pattern!r} is not well-formed: {error}") from error
    return steps


def _translate(token: re.Match[str], pattern: str) -> Step:
    match token.lastgroup:
        case "all":
            return Gap.ANY
        case "dirs":
            return Gap.DIRECTORIES
        case "star":
            return Gap.NAME
        case "one":
            return "[^/]"
        case "set":
            return f"[{token['not']}{char_set(token['set'])}]"
        case "bad":
            raise UserError(f"pattern {pattern!r} is not well-formed: {token['bad']} is not closed")
        case _:
            return re.escape(token["escaped"] or token["plain"])


def char_set(content: str) -> str:
    """The inside of a bracket expression for Python's re: backslash escapes, ``-`` keeps its meaning."""
    return re.sub(r"\\(.)|([^-\w])", lambda match: re.escape(match[1] or match[2]), content, flags=re.DOTALL)


def _may_match_below(pattern: Sequence[str], directory: Sequence[str]) -> bool:
    for wanted, name in zip(pattern, directory, strict=False):
        if "**" in wanted:
            return True
        if wanted != name and not _WILD.search(wanted):
            return False
    return len(pattern) > len(directory)
