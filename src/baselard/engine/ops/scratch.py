"""The empty tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from baselard.engine.files import treehash
from baselard.engine.ops.tree import TreeOperation, one
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Result, Value


@dataclass(frozen=True)
class Scratch(TreeOperation):
    """A tree with nothing in it; too cheap to record."""

    tag: ClassVar[str] = "scratch.v1"
    cached: ClassVar[bool] = False
    label: ClassVar[str] = "scratch"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:  # noqa: ARG002
        """Nothing to do."""
        return one(treehash.EMPTY, None)
