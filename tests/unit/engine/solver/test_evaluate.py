"""Evaluation with nodes that count: what runs, how often, and what is recorded."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import UserError
from baselard.engine.solver import cancel, digest
from baselard.engine.solver.evaluate import Evaluator, Flights
from baselard.engine.solver.graph import Node, Output, Result, Value
from baselard.engine.store.database import Store

pytestmark = pytest.mark.anyio
Work = Callable[[Any, Sequence[Value]], Result]


@dataclass
class Counter:
    """What the worker is in these tests: how often each node ran, by name."""

    runs: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str) -> int:
        with self.lock:
            self.runs[name] = self.runs.get(name, 0) + 1
            return self.runs[name]


@dataclass(frozen=True)
class Counting:
    """A node that says when it runs. ``content`` makes up its result's digest; None: that of its inputs and name."""

    name: str
    inputs: tuple[Output, ...] = ()
    content: str | None = None
    by_content: bool = False
    cached: bool = True
    work: Work | None = field(default=None, compare=False)
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest.of("counting.v1", self.name, [one.key for one in self.inputs]))

    @property
    def label(self) -> str:
        return self.name

    def content_key(self, worker: Counter, inputs: Sequence[Value]) -> str | None:
        return digest.of("counting.content.v1", self.kind, [one.digest for one in inputs]) if self.by_content else None

    @property
    def kind(self) -> str:
        return self.name.partition("-")[0]

    def run(self, worker: Counter, inputs: Sequence[Value]) -> Result:
        worker.count(self.name)
        if self.work:
            return self.work(worker, inputs)
        return Result((Value(self.content or digest.of("value", self.name, [one.digest for one in inputs])),))


@dataclass
class Shown:
    """Progress as it was told."""

    lines: list[str] = field(default_factory=list)

    def started(self, key: str, label: str) -> None:
        self.lines.append(f"start {label}")

    def output(self, key: str, stream: int, data: bytes) -> None: ...

    def span(self, span: Any) -> None: ...

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:
        self.lines.append(f"cached {key[:12]}" if cached else f"end {error}".strip())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def evaluator(store: Store) -> Iterator[Evaluator]:
    with ThreadPoolExecutor(8) as executor:
        yield Evaluator(store, Flights(), Counter(), Shown(), executor)


def chain(*names: str, **fields: Any) -> Node:
    node = Counting(names[0])
    for name in names[1:]:
        node = Counting(name, (Output(node),))
    return replace(node, **fields)


async def test_only_what_is_needed_runs_and_once(evaluator: Evaluator) -> None:
    base = Output(Counting("base"))
    unneeded = Counting("unneeded", (base,))
    both = Counting("both", (Output(Counting("left", (base,))), Output(Counting("right", (base,)))))
    await evaluator.result(both)
    await evaluator.result(both)
    assert evaluator.worker.runs == {"base": 1, "left": 1, "right": 1, "both": 1}
    assert unneeded.name not in evaluator.worker.runs


async def test_a_recorded_leaf_asks_for_none_of_its_inputs(evaluator: Evaluator) -> None:
    first = await evaluator.result(chain("a", "b", "c"))
    again = replace(evaluator, flights=Flights(), worker=Counter())
    assert await again.result(chain("a", "b", "c")) == first
    assert again.worker.runs == {}


async def test_what_a_recorded_result_was_made_of_is_used_with_it(evaluator: Evaluator, store: Store) -> None:
    tool = Counting("tool", (Output(Counting("cheap", (Output(Counting("source")),), cached=False)),))
    await evaluator.result(end := Counting("end", (Output(tool), Output(chain("a", "b")))))
    await evaluator.result(Counting("other"))
    store.db.execute("UPDATE results SET used = 1")
    await replace(evaluator, flights=Flights()).result(end)
    used = {row[0] for row in store.db.execute("SELECT key FROM results WHERE used > 1")}
    wanted = {end.key, tool.key, Counting("source").key, chain("a").key, chain("a", "b").key}
    assert used == wanted


async def test_equal_keys_asked_for_together_run_once(evaluator: Evaluator) -> None:
    results = await asyncio.gather(*(evaluator.result(chain("a", "b")) for _ in range(20)))
    assert evaluator.worker.runs == {"a": 1, "b": 1}
    assert len({result.values for result in results}) == 1


async def test_two_engines_on_one_store_share_the_work(evaluator: Evaluator, tmp_path: Path) -> None:
    """Each opens the store for itself, as two processes do; the lock is the open file's."""
    other_store = Store.open(tmp_path / "store")
    other = replace(evaluator, results=other_store, flights=Flights(), worker=Counter())
    try:
        await asyncio.gather(*(each.result(chain("a", "b", "c")) for each in (evaluator, other) for _ in range(5)))
    finally:
        other_store.close()
    runs = {name: evaluator.worker.runs.get(name, 0) + other.worker.runs.get(name, 0) for name in "abc"}
    assert runs == {"a": 1, "b": 1, "c": 1}


async def test_equal_content_by_another_way_is_a_hit(evaluator: Evaluator) -> None:
    one = Counting("source-one", content="sha256:same")
    two = Counting("source-two", content="sha256:same")
    first = await evaluator.result(Counting("build-1", (Output(one),), by_content=True))
    second = await evaluator.result(Counting("build-2", (Output(two),), by_content=True))
    assert first == second
    assert evaluator.worker.runs == {"source-one": 1, "source-two": 1, "build-1": 1}
    again = replace(evaluator, flights=Flights(), worker=Counter())
    await again.result(Counting("build-2", (Output(two),), by_content=True))
    assert again.worker.runs == {}, "the hit is recorded under the key too"


async def test_other_content_is_no_hit(evaluator: Evaluator) -> None:
    for number in (1, 2):
        source = Counting(f"source-{number}", content=f"sha256:{number}")
        await evaluator.result(Counting(f"build-{number}", (Output(source),), by_content=True))
    assert evaluator.worker.runs["build-2"] == 1


async def test_nodes_that_are_not_cached_run_each_time_and_leave_no_record(evaluator: Evaluator) -> None:
    node = Counting("cheap", cached=False)
    await evaluator.result(node)
    await evaluator.result(node)
    assert evaluator.worker.runs == {"cheap": 2}
    assert evaluator.results.lookup(node.key) is None


def failing(worker: Counter, inputs: Sequence[Value]) -> Result:
    if worker.runs["failing"] == 1:
        raise UserError("not today")
    return Result((Value("sha256:late"),))


async def test_a_failure_is_told_to_all_and_not_recorded(evaluator: Evaluator) -> None:
    node = Counting("failing", work=failing)
    outcomes = await asyncio.gather(*(evaluator.result(node) for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["not today"] * 3
    assert evaluator.results.lookup(node.key) is None
    assert evaluator.progress.lines == ["start failing", "end not today"]  # type: ignore[attr-defined]
    assert (await evaluator.result(node)).values[0].digest == "sha256:late"
    assert evaluator.worker.runs == {"failing": 2}


async def test_a_failing_input_fails_what_needs_it(evaluator: Evaluator) -> None:
    node = Counting("needs", (Output(Counting("fine")), Output(Counting("failing", work=failing))))
    with pytest.raises(UserError, match="not today"):
        await evaluator.result(node)
    assert "needs" not in evaluator.worker.runs


@dataclass
class Gate:
    """Work that waits until it is let go or called off."""

    started: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    called_off: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __call__(self, worker: Counter, inputs: Sequence[Value]) -> Result:
        self.started.set()
        with cancel.current().on_cancel(self._call_off):
            assert self.go.wait(10), "nobody let the work go on"
        assert self.stopping.wait(10) or not self.called_off.is_set()
        cancel.current().check()
        return Result((Value("sha256:done"),))

    def _call_off(self) -> None:
        self.called_off.set()
        self.go.set()


async def started(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.started.wait, 10)


async def test_the_last_to_leave_calls_the_work_off(evaluator: Evaluator) -> None:
    gate = Gate()
    gate.stopping.set()
    node = Counting("slow", work=gate)
    asking = [asyncio.create_task(evaluator.result(node)) for _ in range(2)]
    await started(gate)
    asking[0].cancel()
    await asyncio.wait(asking[:1])
    assert not gate.called_off.is_set(), "another still waits for it"
    asking[1].cancel()
    await asyncio.wait(asking)
    assert await asyncio.to_thread(gate.called_off.wait, 10)
    assert evaluator.results.lookup(node.key) is None


async def test_whoever_stays_gets_the_result(evaluator: Evaluator) -> None:
    gate = Gate()
    gate.stopping.set()
    asking = [asyncio.create_task(evaluator.result(Counting("slow", work=gate))) for _ in range(2)]
    await started(gate)
    asking[0].cancel()
    gate.go.set()
    assert (await asking[1]).values[0].digest == "sha256:done"


async def test_who_asks_while_work_is_called_off_gets_work_of_their_own(evaluator: Evaluator) -> None:
    gate = Gate()
    node = Counting("slow", work=gate)
    asking = asyncio.create_task(evaluator.result(node))
    await started(gate)
    asking.cancel()
    await asyncio.wait([asking])
    assert await asyncio.to_thread(gate.called_off.wait, 10)
    late = asyncio.create_task(evaluator.result(Counting("slow")))
    await asyncio.sleep(0)
    gate.stopping.set()
    assert (await late).values
    assert evaluator.worker.runs == {"slow": 2}


async def test_independent_inputs_run_at_the_same_time(evaluator: Evaluator) -> None:
    both_there = threading.Barrier(2, timeout=10)

    def meet(worker: Counter, inputs: Sequence[Value]) -> Result:
        both_there.wait()
        return Result((Value("sha256:met"),))

    inputs = tuple(Output(Counting(name, work=meet)) for name in ("left", "right"))
    await evaluator.result(Counting("both", inputs))


async def test_a_chain_of_thousands_needs_no_deep_stack(evaluator: Evaluator) -> None:
    length = 3000
    node = Counting("0", cached=False)
    for number in range(1, length):
        node = Counting(str(number), (Output(node),), cached=False)
    await evaluator.result(node)
    assert len(evaluator.worker.runs) == length


async def test_several_outputs_are_told_apart(evaluator: Evaluator) -> None:
    def two(worker: Counter, inputs: Sequence[Value]) -> Result:
        return Result((Value("sha256:0"), Value("sha256:1")), {"exit": 0})

    node = Counting("two", work=two)
    assert (await evaluator.value(Output(node, 1))).digest == "sha256:1"
    assert Output(node, 1).key != Output(node, 0).key
    assert (await evaluator.result(node)).data == {"exit": 0}
