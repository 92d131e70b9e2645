"""Parsed queries by their outlines: one that differs from an earlier one in strings alone is put together of its parts.

To parse takes longer than to answer from the store, and a client asks the same of each of its images.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import graphql
from graphql import DocumentNode, Node, StringValueNode

from baselard.engine.api.query import lexing
from baselard.engine.api.query.outlines import STRING

_MOST = 500
_LONGEST = 1 << 16  # characters of a query without its strings that is kept


class Shapes:
    """The documents of one process, by outline, with numbers in the place of their strings.

    ``parsed`` are the queries, numbered likewise, that this process or the one it was forked from had to parse itself.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[DocumentNode, frozenset[int]]] = {}
        self.parsed: dict[str, str] = {}

    def learn(self, parsed: Mapping[str, str]) -> None:
        """Know from now on, with all forks to come, what another process had to parse."""
        for name, query in parsed.items():
            if name not in self._known:
                self._keep(name, query)
        self.parsed.clear()

    def document(self, name: str, query: str) -> DocumentNode:
        """The document that ``graphql.parse`` makes of a query, without places; ``name`` is its outline.

        Raises GraphQLError.
        """
        read = [lexing.value(match[0]) for match in STRING.finditer(query)]
        strings = [text for text in read if text is not None]
        if len(strings) < len(read) or (name not in self._known and not self._keep(name, query)):
            return graphql.parse(query, no_location=True)  # which explains what is odd
        document, above = self._known[name]
        filled: DocumentNode = _filled(document, above, strings)
        return filled

    def _keep(self, name: str, query: str) -> bool:
        """Keep a query with its strings numbered; whether that was done."""
        numbers = itertools.count()
        numbered = STRING.sub(lambda _: f'"{next(numbers)}"', query)
        if len(self._known) >= _MOST or len(numbered) > _LONGEST:
            return False
        document = graphql.parse(numbered, no_location=True)
        above: set[int] = set()
        _mark(document, above)
        self._known[name] = document, frozenset(above)
        self.parsed[name] = numbered
        return True


def _mark(node: Node, above: set[int]) -> bool:
    """Note the identities of the nodes that are strings or have some below; whether this one is."""
    if any([_mark(below, above) for below in _below(node)]) or isinstance(node, StringValueNode):  # all are looked at
        above.add(id(node))
        return True
    return False


def _below(node: Node) -> Iterator[Node]:
    kind: Any = type(node)
    for name in _names(kind):
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (part for part in value if isinstance(part, Node))


def _filled(node: Any, above: frozenset[int], strings: Sequence[str]) -> Any:
    """The node with its strings in the place of their numbers; parts without any are the very same."""
    if isinstance(node, tuple):
        return tuple([_filled(part, above, strings) for part in node])
    if id(node) not in above:
        return node
    if isinstance(node, StringValueNode):
        return StringValueNode(value=strings[int(node.value)], block=node.block)
    kind: Any = type(node)
    return kind(**{name: _filled(getattr(node, name), above, strings) for name in _names(kind)})


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.init)
