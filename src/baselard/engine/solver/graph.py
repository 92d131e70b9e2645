"""The nouns of lazy evaluation: what a node is, what it is made from and what comes out.

Nodes are frozen: every operation returns a new one and nothing runs before evaluation. Terms follow BuildKit's
solver (vertex, edge, operation); see docs/explanation/architecture.md.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


class Tree(Protocol):
    """An immutable directory tree in the store (baselard.engine.store.snapshots.Snapshot)."""

    @property
    def id(self) -> int: ...


@dataclass(frozen=True)
class Value:
    """One thing a node made: a tree (``None`` is the empty tree) and its digest.

    Equal digests mean equal content; the reverse need not hold.
    """

    digest: str
    tree: Tree | None = None


@dataclass(frozen=True)
class Result:
    """All a node made. ``values`` are its outputs; ``data`` holds small JSON facts (exit code, digests of streams)."""

    values: tuple[Value, ...]
    data: Mapping[str, Any] = field(default_factory=dict)


class Node(Protocol):
    """A lazy operation.

    ``key`` is a version-tagged digest of the operation's fields and its inputs' keys, computed once, at construction
    (``baselard.engine.solver.digest.of("copy.v1", …)``), so that chains of any length need no recursion.
    ``cached`` is false for nodes too cheap to record.
    """

    @property
    def key(self) -> str: ...
    @property
    def inputs(self) -> "tuple[Output, ...]": ...
    @property
    def cached(self) -> bool: ...

    def content_key(self, worker: Any, inputs: Sequence[Value]) -> str | None:
        """The key again, made from the inputs' *content*; ``None`` if that says no more than ``key``.

        Called only when ``key`` is not recorded and the inputs are evaluated; two nodes whose inputs came about in
        different ways but hold the same files meet here.
        """

    def run(self, worker: Any, inputs: Sequence[Value]) -> Result:
        """Do the work, in a thread of its own. Raises EngineError; leaves nothing behind when it does."""

    @property
    def label(self) -> str:
        """One line for the progress display, e.g. ``exec apt-get update``."""


@runtime_checkable
class Quick(Protocol):
    """A node that may take less time than a thread would to get to it."""

    def is_quick(self, inputs: Sequence[Value]) -> bool:
        """Whether neither ``content_key`` nor ``run`` of these inputs waits for anything or reads or writes much."""


@dataclass(frozen=True)
class Output:
    """One output of a node: what other nodes take as input (BuildKit: edge)."""

    node: Node
    index: int = 0

    @property
    def key(self) -> str:
        return self.node.key if self.index == 0 else f"{self.node.key}#{self.index}"


CALLED_OFF = "called off"
"""The error of a node whose result nobody wants any more, so that it was stopped."""


class Progress(Protocol):
    """Where evaluation says what it does; ``baselard.engine.progress.display`` shows it."""

    def started(self, key: str, label: str) -> None: ...
    def output(self, key: str, stream: int, data: bytes) -> None: ...
    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:
        """A started operation has ended; or, if it never was, what ``label`` names is ``cached``: in the record."""

    def span(self, span: Any) -> None:
        """Named work (baselard.engine.progress.spans.Span) that has begun or ended."""


class Results(Protocol):
    """Where results are recorded (baselard.engine.store.database)."""

    def lookup(self, key: str) -> Result | None: ...
    def keep(self, keys: Sequence[str]) -> None:
        """Have the results of ``keys`` count as used now; those that are not recorded are passed over."""

    def record(self, keys: Sequence[str], result: Result, label: str = "") -> None:
        """Record ``result`` under all of ``keys``; ``label`` is the node's that made it, if it was made just now."""

    def transaction(self) -> AbstractContextManager[object]:
        """All that is recorded inside is recorded at once or not at all."""

    def part(self) -> AbstractContextManager[object]:
        """A part of a transaction: what is raised inside takes back the part alone."""

    def locked(self, key: str) -> AbstractAsyncContextManager[object]:
        """An async context manager: this key is nobody else's, in any process on this store."""
