"""Variables in paths and commands, as Go's os.Expand replaces them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPECIAL = r"[*#$@!?\-0-9]"
# What begins with a brace that never ends, or with an empty one, is dropped; a dollar before anything else stays.
_REFERENCE = re.compile(
    rf"\$(?:\{{(?P<marked>{_SPECIAL})\}}|(?P<bad>\{{\}})|\{{(?P<braced>[^}}]+)\}}|(?P<open>\{{)"
    rf"|(?P<special>{_SPECIAL})|(?P<plain>[A-Za-z0-9_]+))"
)


def expand(text: str, env: Mapping[str, str]) -> str:
    """The text with `$NAME` and `${NAME}` replaced; a variable that there is not is nothing."""

    def value(found: re.Match[str]) -> str:
        if found["bad"] or found["open"]:
            return ""
        return env.get(found["marked"] or found["braced"] or found["special"] or found["plain"], "")

    return _REFERENCE.sub(value, text)
