"""How much work a wildcard's match may be: the library matches by regular expressions that try every way there is.

A gap (``*``, ``**``) may end anywhere, so a pattern with many of them comes to no end on a text that nearly fits.
Docker's own matcher is of another kind. What would take long is refused; nobody writes that by accident.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

MOST = 10**7
"""Ways to divide a text among gaps; so many take some tenths of a second."""

_STARS = re.compile(r"\*+")
_CHANGED = re.compile(r"\$\{(\w+)([#%/])")
_NAMED = re.compile(r"\$\{?(\w+)")
_MANY = 40  # gaps; with so many every text of some length is too much, and the number need not be reckoned


def gaps(pattern: str) -> int:
    """How many gaps a file's pattern has, of which ``**`` is one."""
    return sum(1 if len(stars) < 3 else len(stars) for stars in _STARS.findall(pattern))


def ways(length: int, count: int) -> int:
    """In how many ways a text of that length can be divided among so many gaps and what is between them."""
    count = min(count, _MANY)
    return math.comb(length + count, count)


def of_word(word: str, env: Mapping[str, str]) -> int:
    """The most steps that patterns in a word's modifiers (``${VERSION%%.*}``) take; variables may hold ``*``, too."""
    changed = _CHANGED.findall(word)
    if not changed:
        return 0
    count = word.count("*") + sum(env.get(name, "").count("*") for name in _NAMED.findall(word))
    sizes = [(len(env.get(name, "")), kind) for name, kind in changed]
    return sum(ways(size, count) * (size if kind == "/" else 1) for size, kind in sizes)
