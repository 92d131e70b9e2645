"""The order of measuring, and what medians, spreads and goals say."""

import contextlib
from collections.abc import Iterator, Mapping

import pytest

from bench.method import Goal, Measured, Scenario, Side, Spread, measure, rotated


def scenario(log: list[tuple[str, int]], **fields: object) -> Scenario:
    @contextlib.contextmanager
    def sides(lab: object) -> Iterator[Mapping[str, Side]]:
        def side(name: str) -> Side:
            def run(number: int) -> float:
                log.append((name, number))
                return float(number)

            return run

        yield {"ours": side("ours"), "limit": side("limit")}
        log.append(("closed", -1))

    return Scenario("s", "a scenario", sides, **fields)  # type: ignore[arg-type]


def test_sides_take_turns_and_each_is_first_in_its_turn() -> None:
    log: list[tuple[str, int]] = []
    measure(scenario(log, rounds=2, warm_up=0), None, once=False)
    assert log == [("ours", 0), ("limit", 0), ("limit", 1), ("ours", 1), ("closed", -1)]


def test_warm_up_rounds_run_and_do_not_count() -> None:
    log: list[tuple[str, int]] = []
    measured = measure(scenario(log, rounds=2, warm_up=3), None, once=False)
    assert len(log) == 2 * 5 + 1
    assert measured.samples["ours"] == [3.0, 4.0]


def test_once_is_one_round_without_warm_up() -> None:
    log: list[tuple[str, int]] = []
    assert measure(scenario(log, rounds=9, warm_up=3), None, once=True).samples == {"ours": [0.0], "limit": [0.0]}


def test_rotation_starts_over() -> None:
    assert [rotated("abc", number)[0] for number in range(4)] == ["a", "b", "c", "a"]


def measured(goal: Goal | None = None) -> Measured:
    return Measured("s", "a scenario", "s", {"ours": [1.0, 4.0, 3.0], "limit": [1.0, 1.0, 3.0]}, goal)


def test_ratios_are_taken_within_a_round() -> None:
    assert measured().against("ratio") == Spread(1.0, 1.0, 4.0)
    assert measured().against("difference") == Spread(0.0, 0.0, 3.0)


def test_nothing_to_compare_with() -> None:
    assert Measured("s", "t", "s", {"ours": [1.0]}).against("ratio") is None


@pytest.mark.parametrize(
    ("goal", "reached"),
    [
        (None, None),
        (Goal("ratio", 1), True),
        (Goal("ratio", 0.9), False),
        (Goal("difference", 0), True),
        (Goal("difference", -0.1), False),
        (Goal("value", 3), True),
        (Goal("value", 2.9), False),
    ],
)
def test_a_goal_is_for_the_median(goal: Goal | None, reached: bool | None) -> None:
    assert measured(goal).reached is reached
