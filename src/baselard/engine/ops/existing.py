"""See that a part of a tree is there: what is chosen by ``directory`` and changed must exist, as in Dagger."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from baselard.engine.files import reading
from baselard.engine.ops.tree import TreeOperation, one, snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Result, Value


@dataclass(frozen=True)
class ExistingDirectory(TreeOperation):
    """``source`` as it is, in which ``path`` is a directory; ``said`` is how the caller wrote the path."""

    tag: ClassVar[str] = "existing.v1"
    source: Output
    path: str
    said: str = field(compare=False)

    @property
    def label(self) -> str:
        return f"directory {self.said}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Look. Raises UserError when there is nothing, or no directory."""
        snapshot = snapshot_of(inputs[0])
        with worker.snapshots.view(snapshot) as root:
            reading.directory(root, self.path, self.said)
        return one(inputs[0].digest, snapshot)
