"""The lazy walk: evaluate only what is asked for, run equal keys once, record what came out.

Knows no operation by name; sees nodes through baselard.engine.solver.graph alone, like BuildKit's solver.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from baselard.engine.errors import told, without_passwords
from baselard.engine.solver import cancel
from baselard.engine.solver.batch import Batch
from baselard.engine.solver.graph import CALLED_OFF, Node, Output, Progress, Quick, Result, Results, Value

T = TypeVar("T")


@dataclass
class Flights:
    """Work under way in this process, by key. Sessions of one engine share it, so equal keys run once."""

    tasks: dict[str, "asyncio.Task[Result]"] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluator:
    """Evaluates nodes for one session. ``worker`` is handed to the operations as it is."""

    results: Results
    flights: Flights
    worker: Any
    progress: Progress
    executor: Executor
    _kept: set[str] = field(init=False, default_factory=set, compare=False, repr=False)
    _batch: Batch = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_batch", Batch(self.results.transaction, self.results.part))

    async def value(self, output: Output) -> Value:
        """The value of one output. Raises what the operation raised."""
        return (await self.result(output.node)).values[output.index]

    async def result(self, node: Node) -> Result:
        """All that ``node`` makes, from the record if it is there.

        Callers that ask for an equal key meanwhile share one run; it is cancelled when the last of them is.
        """
        if node.cached and (known := self.results.lookup(node.key)):
            self._keep_inputs(node)
            self.progress.finished(node.key, cached=True, label=without_passwords(node.label))
            return known
        return await self._join(node)

    def _keep_inputs(self, node: Node) -> None:
        """Have all that a recorded result was made of count as used with it: there the next change begins."""
        found, waiting = [], [node]
        while waiting:
            below = [output.node for output in waiting.pop().inputs if output.node.key not in self._kept]
            self._kept.update(one.key for one in below)
            found += [one.key for one in below if one.cached]
            waiting += below
        if found:
            self.results.keep(found)

    async def _join(self, node: Node) -> Result:
        tasks, waiting = self.flights.tasks, self.flights.waiting
        task = tasks.get(node.key)
        if task is None:
            task = tasks[node.key] = asyncio.create_task(self._make(node))
            task.add_done_callback(lambda done: _forget(tasks, node.key, done))
        waiting[node.key] = waiting.get(node.key, 0) + 1
        try:
            return await asyncio.shield(task)
        finally:
            waiting[node.key] -= 1
            if not waiting[node.key]:
                del waiting[node.key]
                if not task.done():
                    tasks.pop(node.key, None)  # whoever asks from now on must not join what is being called off
                    task.cancel()

    async def _make(self, node: Node) -> Result:
        inputs = await self._inputs(node.inputs)
        if not node.cached:
            return await self._in_thread(node.run, inputs)
        with told():
            if isinstance(node, Quick) and node.is_quick(inputs):  # in a transaction, which is nobody else's
                return await self._batch.do(lambda: self._look_again_or_run(self.worker, node, inputs))
            async with self.results.locked(node.key):
                return await self._in_thread(self._look_again_or_run, node, inputs)

    def _look_again_or_run(self, worker: Any, node: Node, inputs: Sequence[Value]) -> Result:
        if known := self.results.lookup(node.key):  # another process may have done it while this one waited
            self.progress.finished(node.key, cached=True, label=without_passwords(node.label))
            return known
        content_key = node.content_key(worker, inputs)
        if content_key and (known := self.results.lookup(content_key)):
            self.results.record([node.key], known)
            self.progress.finished(node.key, cached=True, label=without_passwords(node.label))
            return known
        result = self._run(worker, node, inputs)
        label = without_passwords(node.label)
        self.results.record([node.key, *([content_key] if content_key else [])], result, label)
        return result

    def _run(self, worker: Any, node: Node, inputs: Sequence[Value]) -> Result:
        called_off = cancel.current()
        self.progress.started(node.key, without_passwords(node.label))
        try:
            result = node.run(worker, inputs)
            called_off.check()
        except BaseException as error:
            said = CALLED_OFF if called_off.cancelled else str(error) or type(error).__name__
            self.progress.finished(node.key, cached=False, error=said)
            raise
        self.progress.finished(node.key, cached=False)
        return result

    async def _inputs(self, outputs: Sequence[Output]) -> list[Value]:
        if len(outputs) == 1:
            return [await self.value(outputs[0])]
        tasks = [asyncio.ensure_future(self.value(output)) for output in outputs]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await cancel.in_thread(self.executor, function, self.worker, *arguments)


def _forget(tasks: "dict[str, asyncio.Task[Result]]", key: str, done: "asyncio.Task[Result]") -> None:
    if tasks.get(key) is done:
        del tasks[key]
    if not done.cancelled():
        done.exception()  # the callers have it; asyncio need not report it again
