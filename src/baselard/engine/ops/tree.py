"""The common part of all operations on trees: keys made of their fields, one tree as the result."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from baselard.engine.errors import UserError
from baselard.engine.files.copying import CopyTarget
from baselard.engine.files.treehash import TIMED
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import stamps
from baselard.engine.store.database import Snapshot
from baselard.engine.store.snapshots import Draft
from baselard.oci.digits import LARGEST_MODE


@dataclass(frozen=True)
class TreeOperation:
    """Base of operations whose result depends on nothing but their fields and their inputs' content.

    ``times`` says that it sets times on purpose. Raises UserError for a field ``permissions`` that cannot be.
    """

    tag: ClassVar[str]
    cached: ClassVar[bool] = True
    times: ClassVar[bool] = False
    key: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        permissions = getattr(self, "permissions", None)
        if permissions is not None and not 0 <= permissions <= LARGEST_MODE:
            raise UserError(f"permissions {permissions} are none: they go from 0 to 0o7777 (4095)")
        object.__setattr__(self, "key", self._digest([output.key for output in self.inputs]))

    @property
    def inputs(self) -> tuple[Output, ...]:
        """Every output among the fields, in order."""
        return tuple(output for value in self._values() for output in _outputs(value))

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str | None:  # noqa: ARG002
        """Inputs of equal content and equal fields make equal trees."""
        return self._digest([value.digest for value in inputs])

    def _digest(self, inputs: Sequence[str]) -> str:
        """The digest of this operation on ``inputs``; it tells times where one of theirs does."""
        timed = self.times or any(one.endswith(TIMED) for one in inputs)
        own = [value for value in self._values() if not _outputs(value)]
        return digest.of(self.tag, inputs, own) + TIMED * timed

    def _values(self) -> list[object]:
        kind: Any = type(self)
        return [getattr(self, name) for name in _names(kind)]


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(entry.name for entry in dataclasses.fields(kind) if entry.compare)


def snapshot_of(value: Value) -> Snapshot | None:
    """The snapshot that holds a value's tree, None for the empty tree."""
    if value.tree is None or isinstance(value.tree, Snapshot):
        return value.tree
    raise TypeError(f"{type(value.tree).__name__} is not a snapshot of this store")


def one(tree_digest: str, tree: Snapshot | None) -> Result:
    """The result of an operation that makes one tree."""
    return Result((Value(tree_digest, tree),))


@contextlib.contextmanager
def on_top(worker: Worker, value: Value) -> Iterator[tuple[Draft, CopyTarget]]:
    """A new layer on top of the value's tree, to be written by hand and committed inside the block."""
    parent = snapshot_of(value)
    with worker.snapshots.layer(parent) as draft:
        if parent is None:
            yield draft, _settled(draft, CopyTarget(str(draft.upper)))
            return
        with worker.snapshots.view(parent) as below:
            yield draft, _settled(draft, CopyTarget(str(draft.upper), str(below)))


def _settled(draft: Draft, target: CopyTarget) -> CopyTarget:
    draft.settle = target.settle
    return target


@contextlib.contextmanager
def from_nothing(worker: Worker) -> Iterator[Draft]:
    """A new tree, to be written by a program and committed inside the block; no time in it tells when."""
    with worker.snapshots.draft(None) as draft:
        began = stamps.began(draft.upper)
        draft.settle = lambda: stamps.settle(draft.upper, began)
        yield draft


def _outputs(value: object) -> tuple[Output, ...]:
    if isinstance(value, Output):
        return (value,)
    if isinstance(value, tuple) and value and all(isinstance(entry, Output) for entry in value):
        return value
    return ()
