"""Several rounds on one display: each begins with nothing, and what failed before is remembered until it passes."""

import io

from baselard.engine.progress.plain import Plain
from baselard.engine.progress.renewed import Renewed
from baselard.engine.progress.spans import SUITE, Span


def image(name: str, *, end: int = 0, failed: bool = False) -> Span:
    return Span(name * 16, name, "", "1" * 32, {SUITE: name}, 1, end, failed=failed, error="no" if failed else "")


def test_each_round_has_a_display_of_its_own_and_failures_last() -> None:
    streams = [io.StringIO(), io.StringIO()]
    made = iter(streams)
    shown = Renewed(lambda: Plain(next(made)))
    shown.note("nobody listens yet")
    for round_, failing in enumerate((("a", "b"), ("c",))):
        shown.begin()
        shown.started("k", "exec make")
        shown.output("k", 1, b"gcc\n")
        shown.finished("k", cached=False, error="")
        for name in failing:
            shown.span(image(name, end=2, failed=True))
        if round_:
            shown.span(image("a", end=3))
        shown.close()
        shown.note("between")
    assert list(shown.failed) == ["b", "c"]
    assert [stream.getvalue().count("gcc") for stream in streams] == [1, 1]
    assert not any("nobody" in stream.getvalue() or "between" in stream.getvalue() for stream in streams)
