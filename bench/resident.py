"""Calls that know everything already, by a fork of the resident engine and in a process of their own."""

import contextlib
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import programs, project
from bench.lab import Lab, seconds
from bench.method import Goal, Scenario, Side

_NONE = {"BASELARD_NO_DAEMON": "1"}


@contextlib.contextmanager
def calls(lab: Lab, *, words: tuple[str, ...]) -> Iterator[Mapping[str, Side]]:
    """The whole process of a call on one small example; the engine's place is its own, and it is stopped in the end."""
    with lab.scratch() as scratch:
        source = project.small(scratch / "tree", 1).root
        there = {"BASELARD_NO_DAEMON": "", "CI": "", "BASELARD_RUN": str(scratch / "run")}

        def side(env: Mapping[str, str]) -> Side:
            return lambda _: seconds(lambda: _call(lab.store, source, words, env))

        try:
            yield {"engine": side(there), "no engine": side(_NONE)}
        finally:
            programs.baselard(lab.store, "stop", env=there)


def _call(store: Path, source: Path, words: tuple[str, ...], env: Mapping[str, str]) -> None:
    programs.baselard(store, "call", "--progress", "plain", "--source", str(source), *words, env=env)


def _scenario(name: str, title: str, most: float, *words: str) -> Scenario:
    return Scenario(name, title, functools.partial(calls, words=words), Goal("value", most), rounds=5)


SCENARIOS = (
    _scenario("known-tags", "call tags, nothing changed", 0.15, "tags", "--ref", "refs/heads/main"),
    _scenario("known-examples", "call examples, nothing changed", 0.15, "examples"),
    _scenario("known-example", "call test-examples on one small example, nothing changed", 0.5, "test-examples"),
)
