"""Calls that know everything already, by a fork of the resident engine and in a process of their own."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench import programs, project
from bench.job.bake import Bake
from bench.lab import Lab, seconds
from bench.method import Goal, Scenario, Side
from bench.project import Project

_NONE = {"BASELARD_NO_DAEMON": "1"}
_SHORT = Goal("value", 0.15)

Beside = Callable[[Lab, Project], Mapping[str, Side]]


@contextlib.contextmanager
def calls(lab: Lab, *, words: tuple[str, ...], beside: Beside) -> Iterator[Mapping[str, Side]]:
    """The whole process of a call on one small example; the engine's place is its own, and it is stopped in the end."""
    with lab.scratch() as scratch:
        source = replace(project.small(scratch / "tree", 1), name="known")
        there = {"BASELARD_NO_DAEMON": "", "CI": "", "BASELARD_RUN": str(scratch / "run")}

        def side(env: Mapping[str, str]) -> Side:
            return lambda _: seconds(lambda: _call(lab.store, source.root, words, env))

        try:
            yield {"engine": side(there), **beside(lab, source), "no engine": side(_NONE)}
        finally:
            programs.baselard(lab.store, "stop", env=there)


def _call(store: Path, source: Path, words: tuple[str, ...], env: Mapping[str, str]) -> None:
    programs.baselard(store, "call", "--progress", "plain", "--source", str(source), *words, env=env)


def _alone(_lab: Lab, _project: Project) -> Mapping[str, Side]:
    return {}


def _beside_bake(lab: Lab, source: Project) -> Mapping[str, Side]:
    """Docker's bake and goss for the same example."""
    return {"docker bake": lab.share("bake of the known", functools.partial(Bake.prepared, lab, source)).at_once}


def _scenario(name: str, title: str, *words: str, goal: Goal = _SHORT, beside: Beside = _alone) -> Scenario:
    sides = functools.partial(calls, words=words, beside=beside)
    return Scenario(name, title, sides, goal, rounds=5, itself=beside is _alone)


SCENARIOS = (
    _scenario("known-tags", "call tags, nothing changed", "tags", "--ref", "refs/heads/main"),
    _scenario("known-examples", "call examples, nothing changed", "examples"),
    _scenario(
        *("known-example", "call test-examples on one small example, nothing changed", "test-examples"),
        goal=Goal("ratio", 1),
        beside=_beside_bake,
    ),
)
