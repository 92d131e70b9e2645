"""Running commands."""

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import bare
from bench.client import Client
from bench.lab import Lab, loaded, mounted, seconds, touch
from bench.method import OURS, Goal, Scenario, Side

_CACHED = 50


@contextlib.contextmanager
def one_more(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """One more command on top of a chain that grows by one each round."""
    with lab.session() as opened, lab.scratch() as scratch:
        chain = [mounted(opened, lab.base())]

        def ours(number: int) -> float:
            made = ""

            def ask() -> None:
                nonlocal made
                made = opened.ask(loaded(chain[-1]), touch(f"more{number}"), "sync")

            took = seconds(ask)
            chain.append(made)
            return took

        yield {OURS: ours, "mount + runc": _bare(lab.base(), scratch)}


@contextlib.contextmanager
def first_on_large(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """The first command of a session, on the large base and on the tiny one, both in the store."""
    yield {OURS: _first(lab, lab.base()), "tiny base": _first(lab, lab.tiny())}


def _first(lab: Lab, rootfs: Path) -> Side:
    def side(number: int) -> float:
        with lab.session() as opened:
            return opened.timed(loaded(mounted(opened, rootfs)), touch(f"first{number}"), "sync")

    return side


@contextlib.contextmanager
def cached(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """Fifty commands that were run before, asked for one after the other by a session that has just begun."""
    with lab.session() as opened:
        _ask_all(opened, loaded(mounted(opened, lab.base())))

    def ours(_: int) -> float:
        with lab.session() as opened:
            start = loaded(mounted(opened, lab.base()))
            return seconds(lambda: _ask_all(opened, start))

    yield {OURS: ours}


def _ask_all(opened: Client, start: str) -> None:
    for number in range(_CACHED):
        opened.ask(start, touch(f"cached{number}"), "sync")


@contextlib.contextmanager
def many(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """A command in each of many children of one base, all at once on all cores."""
    with lab.session() as opened, lab.scratch() as scratch:
        start = loaded(mounted(opened, lab.base()))

        def ours(round_number: int) -> float:
            branches = [
                f"c{child}: {touch(f'many{round_number}-{child}')}{{sync}}" for child in range(lab.sizes.examples)
            ]
            return opened.timed(start, "\n".join(branches))

        def limit(_: int) -> float:
            with ThreadPoolExecutor(2) as pool:
                once = _bare(lab.base(), scratch)
                return seconds(lambda: list(pool.map(once, range(lab.sizes.examples))))

        yield {OURS: ours, "mount + runc, two at once": limit}


def _bare(rootfs: Path, scratch: Path) -> Side:
    return lambda number: seconds(lambda: bare.run(rootfs, ["touch", f"/x{number}"], scratch))


SCENARIOS = (
    Scenario("exec", "one more withExec in a chain", one_more, Goal("ratio", 0.5), rounds=15, warm_up=2),
    Scenario(
        "first-exec", "first exec on the base in a new session", first_on_large, Goal("difference", 0.1), itself=True
    ),
    Scenario("cached-execs", f"{_CACHED} cached execs in a new session", cached, Goal("value", 0.3)),
    Scenario("many-execs", "an exec in each of many children of one base", many, rounds=3, warm_up=0),
)
