"""Which names a pattern fits; the judge is doublestar 4.10, which Dagger matches with (core/modtree.go)."""

import pytest

from baselard.engine.api.objects import reachable
from baselard.engine.errors import UserError

NAMES = ("house", "house:leaks", "house:roof", "house:roof:tight", "house:roof:x:tight", "roof")


@pytest.mark.parametrize(
    ("pattern", "globbed"),
    [
        ("*", ["house", "roof"]),
        ("house:*", ["house:leaks", "house:roof"]),
        ("house:**", ["house", "house:leaks", "house:roof", "house:roof:tight", "house:roof:x:tight"]),
        ("**", list(NAMES)),
        ("house:**:t*", ["house:roof:tight", "house:roof:x:tight"]),
        ("**:tight", ["house:roof:tight", "house:roof:x:tight"]),
        ("house:**t*", []),
        ("house:[lr]*", ["house:leaks", "house:roof"]),
        ("house:[!l]*", ["house:roof"]),
        ("house:r??f", ["house:roof"]),
        ("*:*", ["house:leaks", "house:roof"]),
    ],
)
def test_globs(pattern: str, globbed: list[str]) -> None:
    fitting = [name for name in NAMES if reachable.matches(name, [pattern])]
    assert fitting == globbed


def test_the_beginning_of_a_name_fits_and_so_does_everything_without_patterns() -> None:
    assert [name for name in NAMES if reachable.matches(name, ["house:roof"])] == list(NAMES[2:5])
    assert all(reachable.matches(name, []) for name in NAMES)


def test_braces_are_refused() -> None:
    with pytest.raises(UserError, match="braces"):
        reachable.matches("house", ["house:{a,b}"])
