"""git's wildcards on bytes, as the cases of its own t3070-wildmatch have them.

A name is bytes: ``?`` is one byte, a class holds bytes, and ``[:alpha:]`` knows ASCII alone. A pattern that is not
well-formed matches nothing.
"""

import re
import string

from baselard.engine.files.wildcard_match import Gap, Matcher, Step, compiled

_CLASSES = {
    name: frozenset(members.encode())
    for name, members in {
        "alnum": string.ascii_letters + string.digits,
        "alpha": string.ascii_letters,
        "blank": " \t",
        "cntrl": "".join(map(chr, range(32))) + "\x7f",
        "digit": string.digits,
        "graph": string.ascii_letters + string.digits + string.punctuation,
        "lower": string.ascii_lowercase,
        "print": string.ascii_letters + string.digits + string.punctuation + " ",
        "punct": string.punctuation,
        "space": " \t\n\r",
        "upper": string.ascii_uppercase,
        "xdigit": string.hexdigits,
    }.items()
}
_NAMED = re.compile(rb"\[:([^\]]*):\]")
_SLASH = frozenset(b"/")
_ANY = frozenset(range(256))


class MalformedError(Exception):
    """A pattern that can match nothing."""


def translate(pattern: bytes, *, path: bool) -> Matcher | None:
    """A matcher for ``pattern``, None for one that is not well-formed. It takes bytes as Latin-1 text.

    With ``path`` only ``**`` between slashes crosses a slash; without, everything may.
    """
    parts: list[Step] = []
    at = 0
    try:
        while at < len(pattern):
            part, at = _part(pattern, at, path)
            parts.append(part)
    except (MalformedError, IndexError):
        return None
    return compiled([parts])


def _part(pattern: bytes, at: int, path: bool) -> tuple[Step, int]:
    """The step for what stands at ``at``, and where the rest begins."""
    match pattern[at : at + 1]:
        case b"\\":
            byte, end = _member(pattern, at)
            return re.escape(chr(byte)), end
        case b"?":
            return _one_of(_ANY, path), at + 1
        case b"*":
            return _stars(pattern, at, path)
        case b"[":
            members, end = _bracket(pattern, at + 1)
            return _one_of(members, path), end
        case plain:
            return re.escape(plain.decode("latin-1")), at + 1


def _one_of(members: frozenset[int], path: bool) -> str:
    """One byte of the class; a slash is in none where it divides a path."""
    allowed = members - _SLASH if path else members
    return "[" + "".join(f"\\x{byte:02x}" for byte in sorted(allowed)) + "]" if allowed else "(?!)"


def _stars(pattern: bytes, at: int, path: bool) -> tuple[Gap, int]:
    end = at
    while pattern[end : end + 1] == b"*":
        end += 1
    if not path:
        return Gap.ANY, end
    rest = pattern[end:]
    alone = (at == 0 or pattern[at - 1 : at] == b"/") and (not rest or rest.startswith((b"/", b"\\/")))
    if end - at == 1 or not alone:
        return Gap.NAME, end
    return (Gap.DIRECTORIES, end + 1) if rest.startswith(b"/") else (Gap.ANY, end)


def _bracket(pattern: bytes, at: int) -> tuple[frozenset[int], int]:
    """The bytes of a bracket expression whose inside begins at ``at``, and where it ends.

    The first byte is a member whatever it is. Raises MalformedError or IndexError when it does not end.
    """
    negated = pattern[at : at + 1] in (b"!", b"^")
    first = at = at + negated
    members: set[int] = set()
    previous = -1  # what a hyphen after it makes a range of
    while pattern[at] != ord("]") or at == first:
        if named := _NAMED.match(pattern, at):
            members |= _class(named[1].decode("latin-1"))
            at, previous = named.end(), -1
        elif pattern[at : at + 1] == b"-" and previous >= 0 and pattern[at + 1 : at + 2] not in (b"", b"]"):
            last, at = _member(pattern, at + 1)
            members |= set(range(previous, last + 1))
            previous = -1
        else:
            previous, at = _member(pattern, at)
            members.add(previous)
    return frozenset(_ANY - members if negated else members), at + 1


def _class(name: str) -> frozenset[int]:
    if name not in _CLASSES:
        raise MalformedError
    return _CLASSES[name]


def _member(pattern: bytes, at: int) -> tuple[int, int]:
    """The byte that stands at ``at``, behind a backslash or not, and where the rest begins."""
    escaped = pattern[at] == ord("\\")
    return pattern[at + escaped], at + 1 + escaped
