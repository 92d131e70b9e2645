"""JavaScript's regular expressions (ECMA-262, section 22.2, with its annex B), written for Python's `re`.

What `re` cannot do, or does otherwise, is refused: back-references, lookbehind of no fixed width, the flags u and v.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pipeline.errors import UsageError

_ENDS = r"\n\r\u2028\u2029"
_TOKEN = re.compile(
    r"""(?P<escape>\\(?:c[A-Za-z]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[^\n]))
    |(?P<group>\((?:\?(?:[:=!]|<[=!]|<[A-Za-z_$][\w$]*>))?(?!\?))
    |(?P<class>\[\^?(?:\\[^\n]|[^\]\\])*\])
    |(?P<quantifier>[*+?]|\{\d+(?:,\d*)?\})
    |(?P<other>[^\\(\[])""",
    re.VERBOSE | re.DOTALL,
)
_ITEM = re.compile(r"\\(?:c[A-Za-z]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)|.", re.DOTALL)
# Sets of characters, as they stand within brackets.
_SETS = {
    "d": "0-9",
    "D": r"\x00-/:-\U0010ffff",
    "w": "0-9A-Za-z_",
    # But for two letters that Python takes for s and k where case does not count.
    "W": r"\x00-/:-@\[-^`{-\u017e\u0180-\u2129\u212b-\U0010ffff",
    "s": r"\s",
    "S": r"\S",
}
_WORD = f"[{_SETS['w']}]"
_EDGE = rf"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_PLAIN = {".": f"[^{_ENDS}]", "^": r"\A", "$": r"\Z"}
_LINES = {"^": rf"(?:\A|(?<=[{_ENDS}]))", "$": rf"(?=[{_ENDS}]|\Z)"}
_CONTROL = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}


@dataclass(frozen=True)
class Pattern:
    """A pattern that finds what JavaScript's finds. With `only_whole` (its flag g) groups are not what they seem."""

    compiled: re.Pattern[str]
    sticky: bool = False
    only_whole: bool = False

    def find(self, subject: str) -> tuple[str | None, ...] | None:
        """The whole match and its groups, None for a group that took no part; None when nothing matches."""
        match = self.compiled.match(subject) if self.sticky else self.compiled.search(subject)
        return (match[0], *match.groups()) if match else None


def compile_(source: str, flags: str = "") -> Pattern:
    """The pattern of `new RegExp(source, flags)`; UsageError for one that JavaScript or this module refuses."""
    if set(flags) - set("dgimsy") or len(set(flags)) != len(flags):
        raise _refused(source, f"of the flags {flags!r} only d, g, i, m, s, y are known, each once")
    try:
        python = "".join(_translated(source, flags))
        return Pattern(re.compile(python, re.IGNORECASE if "i" in flags else 0), "y" in flags, "g" in flags)
    except (re.error, OverflowError) as error:
        raise _refused(source, str(error)) from error


def _refused(source: str, why: str) -> UsageError:
    return UsageError(f"pattern {source!r} is not one of JavaScript's that can be used here: {why}")


@dataclass
class _State:
    """The state that is left of what was read before."""

    source: str
    plain: dict[str, str] = field(default_factory=dict)
    repeatable: bool = False


def _translated(source: str, flags: str) -> list[str]:
    plain = _PLAIN | ({".": r"[\s\S]"} if "s" in flags else {}) | (_LINES if "m" in flags else {})
    state = _State(source, plain)
    pieces, at = [], 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if not match:
            raise _refused(source, f"{source[at : at + 6]!r} is not known")
        pieces.append(_piece(match, state))
        at = match.end()
    return pieces


def _piece(match: re.Match[str], state: _State) -> str:
    text, kind = match[0], match.lastgroup
    if kind == "quantifier":
        return _quantifier(text, state, match)
    state.repeatable = not (kind == "group" or text in "|^$")
    if kind == "escape":
        return _escape(text, state)
    if kind == "class":
        return _class(text, state)
    if kind == "group":
        return "(" if text.endswith(">") else text
    return state.plain.get(text) or (text if text in "|)" else re.escape(text))


def _quantifier(text: str, state: _State, match: re.Match[str]) -> str:
    if not state.repeatable:
        raise _refused(state.source, f"nothing to repeat before {text!r}")
    rest = match.string[match.end() :]
    state.repeatable = rest.startswith("?")  # "lazy" comes as a text of its own
    if state.repeatable and rest[1:2] in ("*", "+", "?"):
        raise _refused(state.source, f"nothing to repeat before {rest[1]!r}")
    return text


def _escape(text: str, state: _State) -> str:
    letter = text[1]
    if letter in "bB":
        state.repeatable = False
        return _EDGE if letter == "b" else f"(?!{_EDGE})"
    if letter in _SETS:
        return f"[{_SETS[letter]}]"
    if letter in "123456789k":
        raise _refused(state.source, f"{text} refers back to a group")
    return re.escape(_character(text, state))


def _character(text: str, state: _State) -> str:
    """The character that one item of a class, or an escape, stands for."""
    if not text.startswith("\\"):
        return text
    letter = text[1]
    if letter in "xu" and len(text) > 2:
        return chr(int(text[2:], 16))
    if letter == "c" and len(text) > 2:
        return chr(ord(text[2]) % 32)
    if letter == "c":
        raise _refused(state.source, f"{text} is not known")
    return _CONTROL.get(letter, letter)


def _class(text: str, state: _State) -> str:
    negated = text.startswith("[^")
    items = [match[0] for match in _ITEM.finditer(text[2 if negated else 1 : -1])]
    if not items:
        return r"[\s\S]" if negated else r"(?!)"
    return f"[{'^' if negated else ''}{''.join(_ranges(items, state))}]"


def _ranges(items: list[str], state: _State) -> list[str]:
    """The items of a class, what Python would take for its own syntax escaped."""
    written: list[str] = []
    at = 0
    while at < len(items):
        ends = items[at : at + 3 : 2]
        if len(ends) == 2 and items[at + 1] == "-" and not any(_is_set(one) for one in ends):
            low, high = (_in_class(end, state) for end in ends)
            written.append(f"{low}-{high}")
            at += 3
        else:
            written.append(_SETS[items[at][1]] if _is_set(items[at]) else _in_class(items[at], state))
            at += 1
    return written


def _is_set(item: str) -> bool:
    return item.startswith("\\") and item[1] in _SETS


def _in_class(item: str, state: _State) -> str:
    if item == "\\b":
        return r"\x08"
    if item.startswith("\\") and item[1] in "123456789":
        raise _refused(state.source, f"{item} is an old octal escape")
    return f"\\U{ord(_character(item, state)):08x}"
