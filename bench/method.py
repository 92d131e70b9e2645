"""How things are measured: sides of a scenario in turn, round after round; medians and the spread.

The sides of one round run one right after the other, and every round begins with another side, so that what else the
machine does meanwhile falls on all of them; ratios are taken within a round.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

Side = Callable[[int], float]
"""Does the thing once, for the round of that number, and tells what it took in the scenario's unit."""

Lab = TypeVar("Lab")
OURS = "baselard"


@dataclass(frozen=True)
class Goal:
    """What to stay within. ``of`` is ``value``, or ours to the first other side as ``ratio`` or ``difference``."""

    of: str
    at_most: float


@dataclass(frozen=True)
class Scenario:
    """One thing to measure. ``sides`` prepares it and yields the sides by name, ours first; warm-ups don't count.

    ``itself`` says that the other sides are Baselard, too, and show what something adds.
    """

    name: str
    title: str
    sides: Callable[..., AbstractContextManager[Mapping[str, Side]]]
    goal: Goal | None = None
    unit: str = "s"
    rounds: int = 7
    warm_up: int = 1
    itself: bool = False


@dataclass(frozen=True)
class Spread:
    """The middle and the ends of some measurements."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Measured:
    """A scenario's samples by side, in the order of the rounds."""

    name: str
    title: str
    unit: str
    samples: Mapping[str, Sequence[float]]
    goal: Goal | None = None
    itself: bool = False

    def spread(self, side: str) -> Spread:
        return Spread.of(self.samples[side])

    def against(self, of: str) -> Spread | None:
        """Ours to the first other side, as ``ratio`` or ``difference`` of each round; None without another side."""
        sides = list(self.samples)
        if len(sides) < 2:
            return None
        pairs = zip(self.samples[sides[0]], self.samples[sides[1]], strict=True)
        return Spread.of([ours / other if of == "ratio" else ours - other for ours, other in pairs])

    @property
    def reached(self) -> bool | None:
        """Whether the median is within the goal; None without a goal."""
        if self.goal is None:
            return None
        found = self.spread(next(iter(self.samples))) if self.goal.of == "value" else self.against(self.goal.of)
        return found is not None and found.median <= self.goal.at_most


def measure(scenario: Scenario, lab: object, *, once: bool) -> Measured:
    """Run a scenario in ``lab``; with ``once`` a single round and no warm-up."""
    rounds, warm_up = (1, 0) if once else (scenario.rounds, scenario.warm_up)
    with scenario.sides(lab) as sides:
        samples: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(warm_up + rounds):
            for name in rotated(list(sides), number):
                took = sides[name](number)
                if number >= warm_up:
                    samples[name].append(took)
    return Measured(scenario.name, scenario.title, scenario.unit, samples, scenario.goal, scenario.itself)


def rotated(names: Sequence[str], number: int) -> list[str]:
    """The names with another one in front each round."""
    first = number % len(names)
    return [*names[first:], *names[:first]]
