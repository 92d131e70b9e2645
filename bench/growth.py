"""``call test-examples`` on generated repositories: how its time grows with the number of examples."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping

from bench import programs, project
from bench.lab import Lab, Sizes, seconds
from bench.method import Goal, Scenario, Side
from bench.project import Change, Project

Counts = Callable[[Sizes], tuple[int, ...]]


@contextlib.contextmanager
def calls(lab: Lab, *, change: Change, counts: Counts = lambda sizes: sizes.counts) -> Iterator[Mapping[str, Side]]:
    """The whole call after a change, on repositories of several sizes whose results the store knows."""
    with lab.scratch() as scratch:
        found = {count: project.small(scratch / str(count), count) for count in counts(lab.sizes)}
        for each in found.values():
            _test(lab, each)

        def side(of: Project) -> Side:
            def run(number: int) -> float:
                change(of, f"round {number} {of.root}")
                return seconds(lambda: _test(lab, of))

            return run

        yield {_counted(count): side(each) for count, each in found.items()}


def _test(lab: Lab, of: Project) -> None:
    programs.call(lab.store, of.root, "test-examples")


def _counted(count: int) -> str:
    return f"{count} example{'s' * (count > 1)}"


def _scenario(name: str, title: str, change: Change) -> Scenario:
    sides = functools.partial(calls, change=change)
    return Scenario(f"call-{name}", f"test-examples on many examples, {title}", sides, rounds=5, itself=True)


SCENARIOS = (
    _scenario("warm", "nothing changed", project.nothing),
    _scenario("one", "one example changed", project.one_example),
    _scenario("all", "every example changed", project.every_example),
    _scenario("base", "the base changed", project.the_base),
    Scenario(
        "call-many",
        "test-examples on five times as many examples, nothing changed",
        functools.partial(calls, change=project.nothing, counts=lambda sizes: sizes.many),
        Goal("ratio", 5),
        rounds=3,
        itself=True,
    ),
)
