"""A way of sharing is played in two halves: which command lines mean that, and how their words are written again."""

from types import SimpleNamespace
from typing import Any

import pytest

from baselard.cli import halves
from baselard.cli.chain import Chain
from baselard.cli.options import Options
from baselard.engine.api.objects.reachable import Step
from baselard.engine.modules.addresses import ObjectAddress


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
