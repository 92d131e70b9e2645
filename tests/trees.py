"""A store and its snapshots on a real file system, in a mount namespace of the test run's own."""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import HostError
from baselard.engine.files import merging
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.evaluate import Evaluator, Flights
from baselard.engine.solver.graph import Node, Output, Value
from baselard.engine.store import snapshots as snapshot
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import Snapshots

SCRATCH = Output(Scratch())


@dataclass
class Log:
    """The labels of what ran."""

    ran: list[str] = field(default_factory=list)

    def started(self, key: str, label: str) -> None:
        self.ran.append(label)

    def output(self, key: str, stream: int, data: bytes) -> None: ...

    def span(self, span: Any) -> None: ...

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None: ...


@dataclass(frozen=True)
class Trees:
    """What operations on trees need of a worker, and a way to evaluate them."""

    store: Store
    snapshots: Snapshots
    log: Log = field(default_factory=Log)
    output: str = ""

    def value(self, node: Node) -> Value:
        """Evaluate with an evaluator of its own, as another session does."""

        async def evaluate() -> Value:
            with ThreadPoolExecutor(2) as executor:
                return await Evaluator(self.store, Flights(), self, self.log, executor).value(Output(node))

        return asyncio.run(evaluate())

    def look(self, node: Node | Value, question: Callable[[Path], Any]) -> Any:
        """What ``question`` finds in the node's tree."""
        value = node if isinstance(node, Value) else self.value(node)
        with self.snapshots.view(value.tree) as root:  # type: ignore[arg-type]
            return question(root)

    def names(self, node: Node | Value) -> list[str]:
        """Every path of the tree, sorted."""
        return self.look(node, lambda root: sorted(str(path.relative_to(root)) for path in root.rglob("*")))

    def text(self, node: Node | Value, path: str) -> str:
        return self.look(node, lambda root: (root / path).read_text())

    def stat(self, node: Node | Value, path: str) -> os.stat_result:
        return self.look(node, lambda root: os.lstat(root / path))


@pytest.fixture(scope="session")
def _namespace() -> None:
    try:
        snapshot.private_namespace()
    except HostError as error:
        pytest.skip(str(error))


@pytest.fixture
def trees(_namespace: None, tmp_path: Path) -> Iterator[Trees]:
    store = Store.open(tmp_path / "store")
    yield Trees(store, merging.snapshots(store))
    store.close()
