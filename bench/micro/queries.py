"""Asking: how long the engine takes to start and to answer what costs nothing."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from bench.client import Client
from bench.lab import Lab, loaded, mounted, seconds, touch
from bench.method import OURS, Goal, Scenario, Side

_LONG, _SHORT = 450, 225


@contextlib.contextmanager
def start(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """From starting the process to the answer to a first query."""

    def ours(_: int) -> float:
        def first_answer() -> None:
            stack.enter_context(lab.session()).ask("version")

        with contextlib.ExitStack() as stack:
            return seconds(first_answer)

    def limit(_: int) -> float:
        argv = [sys.executable, "-I", "-c", "import asyncio, json, sqlite3, graphql"]
        return seconds(lambda: subprocess.run(argv, check=True))

    yield {OURS: ours, "python with its imports": limit}


@contextlib.contextmanager
def chain(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """A query of 450 calls whose result is known, beside one of half the length."""
    with lab.session() as opened:
        first = loaded(mounted(opened, lab.tiny()))
        for length in (_LONG, _SHORT):
            _ask(opened, first, length)
        yield {OURS: lambda _: _ask(opened, first, _LONG), "half as long": lambda _: _ask(opened, first, _SHORT)}


def _ask(opened: Client, first: str, length: int) -> float:
    variables = [f'withEnvVariable(name: "V{number}", value: "{number}")' for number in range(length - 3)]
    return opened.timed(first, *variables, touch("chain"), "sync")


@contextlib.contextmanager
def nodes(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """A thousand directories of one new file each, in one query."""
    with lab.session() as opened, lab.scratch() as scratch:

        def ours(number: int) -> float:
            branches = [
                f'n{node}: withNewFile(path: "f", contents: "{number} {node}"){{sync}}'
                for node in range(lab.sizes.nodes)
            ]
            return opened.timed("directory", "\n".join(branches))

        def limit(number: int) -> float:
            return seconds(lambda: _write_all(f"{scratch}/{number}", lab.sizes.nodes))

        yield {OURS: ours, "mkdir and write": limit}


def _write_all(root: str, count: int) -> None:
    for node in range(count):
        os.makedirs(f"{root}/{node}")
        with open(f"{root}/{node}/f", "w") as file:
            file.write(f"{node}")


SCENARIOS = (
    Scenario("start", "engine start until the first answer", start, Goal("value", 0.35), rounds=10),
    Scenario("chain", f"{_LONG} calls in one query, cached", chain, Goal("value", 0.6), itself=True),
    Scenario("nodes", "a thousand independent nodes", nodes, Goal("ratio", 5), rounds=5),
)
