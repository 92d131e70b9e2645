"""A way of sharing is played in two halves: which command lines mean that, and how their words are written again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from baselard.cli import halves
from baselard.cli.chain import Chain
from baselard.cli.options import Options
from baselard.engine.api.objects.reachable import Step
from baselard.engine.modules.addresses import ObjectAddress
from baselard.engine.store import runs
from baselard.engine.store.database import Store
from baselard.engine.store.runs import Commit, RecordedRun


def chain(function: str = "testExamples", *, owned: str = "handOver testExamples cleanup", **args: Any) -> Chain:
    owner = SimpleNamespace(functions=[SimpleNamespace(name=name) for name in owned.split()])
    return Chain((Step(owner, SimpleNamespace(name=function), args),), Options())  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["registry", "archive", "rebuild"])
def test_a_way_between_machines_is_played_in_two_halves(way: str) -> None:
    assert halves.wanted(chain(share=way, registry="localhost:5000/base"))


@pytest.mark.parametrize(
    "other",
    [
        chain(),
        chain(share="object"),
        chain(share="sneaker-net"),
        chain(share="registry"),
        chain("lint", share="archive"),
        chain(owned="testExamples", share="archive"),
        chain(share="archive", bases=ObjectAddress("Directory", "bases")),
    ],
)
def test_every_other_call_runs_as_it_is(other: Chain) -> None:
    assert not halves.wanted(other)


def test_words_mean_the_same_when_read_again() -> None:
    args = {"only": ["a,b", 'c"d'], "failFast": True, "password": ObjectAddress("Secret", "env://TOKEN"), "jobs": 3}
    assert halves._words(args) == [
        *('--only="a,b"', '--only="c""d"', "--fail-fast=true", "--password=env://TOKEN", "--jobs=3")
    ]


def test_what_the_other_half_judged_is_in_this_stores_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASELARD_STORE", str(tmp_path / "own"))
    other = Store.open(tmp_path / "other")
    for seconds in (1.0, 2.0):
        runs.add(other, RecordedRun("/p", ("call", "test-examples", "--bases=x"), 0.0, seconds, 0, Commit(), ()))
    other.close()
    halves._carry_history(tmp_path / "other", ("call", "test-examples", "--share=archive"))
    own = Store.open(tmp_path / "own")
    found = [(run.number, run.seconds, run.words[-1]) for run in runs.listed(own)]
    own.close()
    assert found == [(2, 2.0, "--share=archive"), (1, 1.0, "--share=archive")]
