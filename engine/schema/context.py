"""What a resolver may ask of the request it serves."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.evaluate import Evaluator
from engine.graph import Node, Output, Result, Value
from engine.schema.ids import Ids


@dataclass
class State:
    """What the clients and module invocations of one session share."""

    evaluator: Evaluator
    workdir: Path
    ids: Ids = field(default_factory=Ids)

    @property
    def worker(self) -> Any:
        return self.evaluator.worker


@dataclass(frozen=True)
class Context:
    """One request: its session and, when a module invocation sent it, that invocation's frame."""

    session: State
    frame: Any = None

    async def value(self, output: Output) -> Value:
        """Evaluate one output. Raises what the operations raise."""
        return await self.session.evaluator.value(output)

    async def result(self, node: Node) -> Result:
        """Evaluate a node."""
        return await self.session.evaluator.result(node)

    def id(self, value: Any) -> str:
        """The ID of an object."""
        return self.session.ids.give(value)
