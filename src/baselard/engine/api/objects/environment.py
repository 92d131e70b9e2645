"""Variables in text: ``$NAME`` and ``${NAME}``, replaced as Go's os.Expand does, which Dagger uses."""

import re
from collections.abc import Callable

_REFERENCE = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z0-9_]+|[*#$@!?-])|(\{))")
_SPECIAL = frozenset("*#$@!?-0123456789")


def expand(text: str, lookup: Callable[[str], str]) -> str:
    """``text`` with every reference replaced by what ``lookup`` gives for its name.

    A dollar sign that starts no name stays; bad syntax such as ``${}`` disappears.
    """
    return _REFERENCE.sub(lambda match: _value(match, lookup), text)


def _value(match: "re.Match[str]", lookup: Callable[[str], str]) -> str:
    if match[3]:
        return ""
    if match[1] is not None:
        return lookup(match[1]) if match[1] else ""
    name: str = match[2]
    if name[0] in _SPECIAL and len(name) > 1:  # a positional parameter has one digit
        return lookup(name[0]) + name[1:]
    return lookup(name)
