"""Which outlines of queries are valid, kept from one process to the next.

Validation takes six times as long as parsing, and a client asks the same of many objects, in every session.
"""

import contextlib
import re
from pathlib import Path

from baselard.engine.solver import digest

STRING = re.compile(r'"(?:[^"\\\n\r]|\\.)*"')
_MOST = 10_000


def outline(query: str) -> str:
    """Names the query without what its strings say, only which are equal: whether it is valid depends on nothing else.

    Empty when it has what may hold a quotation mark that delimits no string: a comment or a block string.
    """
    if '"""' in query:
        return ""
    numbers: dict[str, int] = {}
    bare = STRING.sub(lambda match: f'"{numbers.setdefault(match[0], len(numbers))}"', query)
    return "" if "#" in bare else digest.of("outline.v1", bare)[7:39]


class Outlines:
    """Those of valid queries against one schema, in the file ``path``, if any, a line each; several processes may add
    to it."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._found = set(path.read_text().split()) if path and path.exists() else set()

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def add(self, name: str) -> None:
        """Keep it, unless there are very many. A full disk keeps it for this process only."""
        if len(self._found) >= _MOST:
            return
        self._found.add(name)
        if self._path:
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(exist_ok=True)
                with self._path.open("a") as file:
                    file.write(f"{name}\n")
