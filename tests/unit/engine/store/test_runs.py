"""The history of runs in the store: what comes back is what was recorded, and it stays within its bounds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.engine.store import collect, runs
from baselard.engine.store.collect import Policy
from baselard.engine.store.database import Store
from baselard.engine.store.runs import Commit, Judgement, RecordedRun

FAILED = Judgement("python-cli", "failed", True, 3, 1.5, {"build": 1.0, "test": 0.5}, "port: closed", {"unpacked": 7})
RUN = RecordedRun("/a", ("call", "test-examples"), 1000.0, 2.5, 1, Commit("main", "ab" * 20, True), (FAILED,))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def test_a_run_comes_back_as_it_was_under_its_number(store: Store) -> None:
    runs.add(store, RUN)
    assert runs.numbered(store, 1) == replace(RUN, number=1)
    assert runs.numbered(store, 2) is None
    assert runs.listed(store)[0].failures == [FAILED]


def test_runs_are_listed_by_tree_the_newest_first(store: Store) -> None:
    for place in ("/a", "/b", "/a"):
        runs.add(store, replace(RUN, place=place))
    assert [one.number for one in runs.listed(store, "/a")] == [3, 1]
    assert [one.number for one in runs.listed(store)] == [3, 2, 1]
    assert [one.number for one in runs.listed(store, limit=2)] == [3, 2]


def test_only_the_newest_stay_and_numbers_are_never_used_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", 3)
    for _ in range(5):
        runs.add(store, RUN)
    assert [one.number for one in runs.listed(store)] == [5, 4, 3]
    runs.forget(store, 2000.0)
    runs.add(store, RUN)
    assert [one.number for one in runs.listed(store)] == [6]


def test_large_runs_push_old_ones_out_but_the_last_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_MOST", 10_000)
    long = replace(RUN, judgements=(replace(FAILED, why="é" * 2000),))  # 4,000 bytes
    for _ in range(4):
        runs.add(store, long)
    assert [one.number for one in runs.listed(store)] == [4, 3]
    runs.add(store, replace(RUN, judgements=(replace(FAILED, why="x" * 20_000),)))
    assert [one.number for one in runs.listed(store)] == [5]


@pytest.mark.parametrize(
    ("policy", "left"), [(Policy(), 2), (Policy(older_than=500), 1), (Policy(everything=True), 0), (Policy(0), 2)]
)
def test_pruning_forgets_old_runs(store: Store, policy: Policy, left: int) -> None:
    runs.add(store, RUN)
    runs.add(store, replace(RUN, began=1900.0))
    assert collect.collect(store, policy, dry_run=True, now=2000.0).runs == 2 - left
    assert len(runs.listed(store)) == 2
    assert collect.collect(store, policy, now=2000.0).runs == 2 - left
    assert len(runs.listed(store)) == left
