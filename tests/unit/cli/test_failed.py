"""What the history says of examples decides which are tested, and in which order."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from baselard.cli import failed
from baselard.cli.chain import Chain
from baselard.cli.failed import Choice
from baselard.cli.options import Options
from baselard.engine.api.objects.reachable import Step
from baselard.engine.errors import UserError
from baselard.engine.store import runs
from baselard.engine.store.database import Store
from baselard.engine.store.runs import Commit, Judgement, RecordedRun


def function(name: str, *args: str) -> Any:
    return SimpleNamespace(name=name, args=[SimpleNamespace(name=arg) for arg in args])


OWNER: Any = SimpleNamespace(functions=[function("examples", "format"), function("lint")])


TESTS = function("testExamples", "only", "first")


def chain(last: Any = TESTS, given: Any = None, **asked: Any) -> Chain:
    steps = (Step(OWNER, function("")), Step(OWNER, last, given or {}))
    return Chain(steps, Options(**asked))


def choice(**asked: Any) -> Choice:
    made = failed.wanted(chain(**asked), "/p")
    assert made
    return made


class FakeWalk:
    """Answers the listing of examples, from a store."""

    def __init__(self, store: Store, *names: str) -> None:
        self.memory = SimpleNamespace(store=store)
        self.names = names
        self.asked: list[Step] = []

    async def run(self, steps: list[Step], *, state: object) -> str:
        self.asked += steps
        return json.dumps([{"name": name} for name in self.names])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


def judged(store: Store, place: str = "/p", **verdicts: str) -> None:
    found = [Judgement(name, verdict, verdict in ("failed", "error")) for name, verdict in verdicts.items()]
    runs.add(store, RecordedRun(place, (), 0.0, 0.0, 0, Commit(), found))


def steps(chosen: Choice, walk: FakeWalk) -> tuple[Any, list[str]]:
    said: list[str] = []

    async def ask() -> Any:
        return await failed.steps(chosen, walk, None, said.append)  # type: ignore[arg-type]

    found = anyio.run(ask)
    return (dict(found[-1].args) if found else None), said


def test_each_counts_by_its_last_verdict_in_this_tree(store: Store) -> None:
    judged(store, a="failed", b="failed", c="passed", d="passed")
    judged(store, b="passed", c="error", e="quarantined")
    judged(store, a="skipped")
    judged(store, "/other", d="failed")
    assert failed.latest(store, "/p") == {"b": False, "c": True, "e": False, "a": True, "d": False}
    assert failed.latest(store, "/nowhere") == {}


def test_only_those_that_failed_and_are_still_there(store: Store) -> None:
    judged(store, **{"a": "failed", "gone": "failed", "b[1]": "error", "c": "passed", "base (build)": "failed"})
    walk = FakeWalk(store, "a", "b[1]", "c")
    assert steps(choice(last_failed=True), walk) == (
        *({"only": ["a", "b[[]1]"]}, ["failed when tested last: a, b[1]"]),
    )
    assert [(step.function.name, step.args) for step in walk.asked] == [("examples", {"format": "json"})]


def test_those_that_failed_come_first(store: Store) -> None:
    judged(store, a="passed", b="failed")
    chosen = choice(failed_first=True, given={"first": ["c"], "only": ["*"]})
    assert steps(chosen, FakeWalk(store, "a", "b")) == (
        *({"first": ["b", "c"], "only": ["*"]}, ["failed when tested last: b"]),
    )


def test_where_none_failed_there_is_nothing_to_do_or_all(store: Store) -> None:
    judged(store, a="passed", gone="failed")
    said = ["no example failed when it was tested last: there is nothing to do"]
    assert steps(choice(last_failed=True), FakeWalk(store, "a")) == (None, said)
    assert steps(choice(failed_first=True), FakeWalk(store, "a")) == ({"first": []}, [])


def test_a_history_without_examples_is_told(store: Store) -> None:
    judged(store, **{"lint": "failed"})
    with pytest.raises(UserError, match="no test of an example of /p is recorded: leave --last-failed out this time"):
        steps(choice(last_failed=True), FakeWalk(store, "a"))
    said = ["no test of an example is recorded yet: all are tested in their order"]
    assert steps(choice(failed_first=True), FakeWalk(store, "a")) == ({"first": []}, said)


def test_a_command_line_that_asks_nothing_leaves_nothing_to_the_history() -> None:
    assert failed.wanted(chain(), "/p") is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (chain(function("lint"), last_failed=True), "--last-failed is for functions that test examples"),
        (chain(function("matrix", "only"), failed_first=True), "--failed-first is for functions that test examples"),
        (chain(given={"only": ["a"]}, last_failed=True), "leave --only out, or write --failed-first"),
    ],
)
def test_what_cannot_be_chosen_is_told(line: Chain, says: str) -> None:
    with pytest.raises(UserError, match=says):
        failed.wanted(line, "/p")
