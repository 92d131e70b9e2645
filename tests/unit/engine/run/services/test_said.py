"""A service talks as long as it runs: what is kept and what is shown of that ends."""

from baselard.engine.host.process import STDERR, STDOUT
from baselard.engine.run.services.said import Shown, Tail


def test_the_end_is_kept_and_no_more() -> None:
    tail = Tail()
    for number in range(5000):
        tail.add(b"%99d\n" % number)
    assert tail.text.endswith("4999\n")
    assert len(tail.text) == 100 << 10
    assert tail.size <= (100 << 10) + 100
    tail.add(b"x" * (1 << 20))
    tail.add(b"y")
    assert len(tail.text) == 100 << 10


def test_what_is_shown_ends_with_a_word_about_it() -> None:
    seen: list[tuple[int, bytes]] = []
    shown = Shown(lambda stream, data: seen.append((stream, data)), 10)
    for _ in range(1000):
        shown.add(STDOUT, b"12345")
    assert seen[:2] == [(STDOUT, b"12345")] * 2
    assert seen[2:] == [(STDERR, b"\nit said more than 10 bytes (BASELARD_OUTPUT): no more is shown\n")]


def test_without_a_limit_all_is_shown() -> None:
    seen: list[bytes] = []
    shown = Shown(lambda _, data: seen.append(data), 0)
    for _ in range(1000):
        shown.add(STDOUT, b"12345")
    assert len(seen) == 1000
