"""Small works done in one go: how many transactions they take, and that each stands or falls by itself."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import UserError
from baselard.engine.ops.file import NewFile
from baselard.engine.ops.scratch import Scratch
from baselard.engine.ops.tree import snapshot_of
from baselard.engine.progress.display import Quiet
from baselard.engine.solver import cancel
from baselard.engine.solver.batch import Batch
from baselard.engine.solver.evaluate import Evaluator, Flights
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import Snapshots

pytestmark = pytest.mark.anyio
MANY = 200


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def batch(store: Store) -> Batch:
    return Batch(store.transaction, store.part)


def recorded(store: Store, key: str) -> Callable[[], str]:
    def work() -> str:
        store.record([key], Result((Value(key),)))
        return key

    return work


def begun(store: Store) -> list[str]:
    """The statements by which transactions begin, from here on."""
    seen = list[str]()
    store.db.set_trace_callback(lambda sql: seen.append(sql) if sql.startswith("BEGIN") else None)
    return seen


async def test_many_works_take_few_transactions(store: Store, batch: Batch) -> None:
    transactions = begun(store)
    keys = [f"k{number}" for number in range(MANY)]
    assert await asyncio.gather(*(batch.do(recorded(store, key)) for key in keys)) == keys
    assert len(transactions) == 4
    assert all(map(store.lookup, keys))


async def test_a_work_that_fails_takes_back_its_own_part_alone(store: Store, batch: Batch) -> None:
    def fails() -> None:
        recorded(store, "half")()
        raise UserError("no")

    works = [batch.do(recorded(store, "a")), batch.do(fails), batch.do(recorded(store, "b"))]
    first, error, last = await asyncio.gather(*works, return_exceptions=True)
    assert (first, str(error), last) == ("a", "no", "b")
    assert [bool(store.lookup(key)) for key in ("a", "half", "b")] == [True, False, True]


async def test_nobody_is_told_before_it_has_come_true(store: Store) -> None:
    told = list[str]()

    @contextlib.contextmanager
    def late() -> Iterator[None]:
        with store.transaction():
            yield
        told.append("come true")

    await Batch(late, store.part).do(recorded(store, "a"))
    told.append("told")
    assert told == ["come true", "told"]


async def test_where_nothing_comes_true_all_are_told(store: Store) -> None:
    @contextlib.contextmanager
    def full() -> Iterator[None]:
        with store.transaction():
            yield
            raise OSError(28, "No space left on device")

    batch = Batch(full, store.part)
    works = (batch.do(recorded(store, key)) for key in "ab")
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OSError, OSError]
    assert not store.lookup("a")
    assert not store.lookup("b")


async def test_what_was_called_off_is_not_done(store: Store, batch: Batch) -> None:
    task = asyncio.create_task(batch.do(recorded(store, "a")))
    kept = asyncio.create_task(batch.do(recorded(store, "b")))
    await asyncio.sleep(0)
    task.cancel()
    assert await kept == "b"
    assert not store.lookup("a")


async def test_each_work_is_done_as_the_work_of_whoever_asked(batch: Batch) -> None:
    """Spans tell by a context variable who asked; and who was called off before is no reason to call this off."""
    asker: contextvars.ContextVar[str] = contextvars.ContextVar("asker")

    async def asks(name: str) -> str:
        asker.set(name)
        off = cancel.Cancellation()
        off.cancel()
        cancel.enter(off)
        return await batch.do(lambda: f"{asker.get()} {cancel.current().cancelled}")

    names = [str(number) for number in range(70)]
    assert await asyncio.gather(*map(asks, names)) == [f"{name} False" for name in names]


def test_a_loop_that_ended_too_early_stops_no_later_one(store: Store, batch: Batch) -> None:
    async def ends() -> None:
        asyncio.create_task(batch.do(recorded(store, "a")))  # noqa: RUF006 -- it is left alone on purpose
        await asyncio.sleep(0)

    async def later() -> str:
        return await asyncio.wait_for(batch.do(recorded(store, "b")), 5)

    asyncio.run(ends())
    assert asyncio.run(later()) == "b"


class _Tools:
    """What a node's run is handed."""

    def __init__(self, store: Store) -> None:
        self.store, self.snapshots = store, Snapshots(store)


def _files(*contents: str, path: str = "f") -> list[NewFile]:
    return [NewFile(Output(Scratch()), path, content.encode()) for content in contents]


def _text(store: Store, result: Result) -> str:
    snapshot = snapshot_of(result.values[0])
    assert snapshot
    return (store.layer_path(snapshot) / "f").read_text()


async def test_independent_small_files_take_no_thread_and_few_transactions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions, directories = begun(store), list[str]()
    made, ran = Path.mkdir, set[str]()
    monkeypatch.setattr(Path, "mkdir", lambda self, *a, **k: directories.append(self.name) or made(self, *a, **k))
    run = NewFile.run
    monkeypatch.setattr(NewFile, "run", lambda *a: ran.add(threading.current_thread().name) or run(*a))
    with ThreadPoolExecutor(2, "op") as executor:
        evaluator = Evaluator(store, Flights(), _Tools(store), Quiet(), executor)
        nodes = _files(*map(str, range(MANY)))
        results = await asyncio.gather(*map(evaluator.result, nodes))
    assert ran == {threading.current_thread().name}
    assert len(transactions) == 4
    assert len(directories) == MANY
    found = [_text(store, result) for result in results]
    assert found == [str(number) for number in range(MANY)]


async def test_one_file_that_cannot_be_made_leaves_the_others(store: Store) -> None:
    with ThreadPoolExecutor(2, "op") as executor:
        evaluator = Evaluator(store, Flights(), _Tools(store), Quiet(), executor)
        nodes = [*_files("a"), *_files("b", path="/"), *_files("c")]
        results: list[Any] = await asyncio.gather(*map(evaluator.result, nodes), return_exceptions=True)
    assert isinstance(results[1], UserError)
    assert [store.lookup(node.key) is not None for node in nodes] == [True, False, True]
    recorded_layers = {row[0] for row in store.db.execute("SELECT id FROM snapshots")}
    assert len(recorded_layers) == 2 == len(list((store.root / "layers").iterdir()))


async def test_two_engines_make_a_small_file_once_and_open_no_lock(store: Store) -> None:
    """Each looks again in its own transaction, which the other waits for."""
    other = Store.open(store.root)
    with ThreadPoolExecutor(2, "op") as executor, contextlib.closing(other):
        both = [Evaluator(each, Flights(), _Tools(each), Quiet(), executor) for each in (store, other)]
        await asyncio.gather(*(each.result(node) for node in _files("a", "b") for each in both))
    assert len(list((store.root / "layers").iterdir())) == 2
    assert not (store.root / "locks").exists()
