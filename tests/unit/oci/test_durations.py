"""Durations as Go's time.ParseDuration reads and Duration.String prints them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselard.oci import durations
from baselard.oci.errors import InvalidDurationError


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("30s", 30 * 10**9),
        ("1s", 10**9),
        ("1m30s", 90 * 10**9),
        ("1h", 3600 * 10**9),
        ("1h2m3.5s", 3723500000000),
        ("1.5s", 15 * 10**8),
        ("500ms", 5 * 10**8),
        ("0", 0),
        ("0s", 0),
        ("-2s", -2 * 10**9),
        ("100us", 100_000),
        ("3us", 3000),
        ("7ns", 7),
        (".5s", 5 * 10**8),
        ("1.s", 10**9),
    ],
)
def test_durations_are_read(text: str, nanoseconds: int) -> None:
    assert durations.parse(text) == nanoseconds
    assert durations.parse(f"{nanoseconds}ns") == nanoseconds


DIGITS = ["\u0663s", "1_0s", "\uff11m"]


@pytest.mark.parametrize(
    "text", ["", "1", "30", "s", "1 s", "1m 30s", "1d", "1x", "--1s", "1s2", ".", ".s", "+", "-", *DIGITS]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidDurationError, match="invalid duration"):
        durations.parse(text)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (30 * 10**9, "30s"),
        (90 * 10**9, "1m30s"),
        (3600 * 10**9, "1h0m0s"),
        (15 * 10**8, "1.5s"),
        (5 * 10**8, "500ms"),
        (1500, "1.5µs"),
        (7, "7ns"),
        (-2 * 10**9, "-2s"),
        (-1500, "-1.5µs"),
    ],
)
def test_durations_are_shown_as_go_prints_them(nanoseconds: int, text: str) -> None:
    assert durations.show(nanoseconds) == text


@given(st.integers(-(10**16), 10**16))
def test_a_duration_that_is_shown_is_read_back(nanoseconds: int) -> None:
    assert durations.parse(durations.show(nanoseconds)) == nanoseconds
