"""Options that belong to no function."""

import pytest

from baselard.cli import options
from baselard.cli.options import Options
from baselard.engine.errors import UserError


def test_values_and_switches_are_told_from_arguments() -> None:
    found, rest = options.split(["-m", "mod", "a", "-q", "-q", "--progress=dots", "b"])
    assert (found, rest) == (Options(module="mod", quiet=2, progress="dots"), ["a", "b"])


def test_early_reading_passes_over_what_it_does_not_know() -> None:
    assert options.early(["--source", ".", "fn", "--mod", "x", "--name=y", "-v"]) == Options(module="x", verbose=1)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--jsn"], "unknown option --jsn; did you mean --json?"),
        (["-m"], "-m needs a value"),
        (["--progress", "loud"], "--progress loud: there is auto, tty, plain"),
    ],
)
def test_mistakes_are_named(argv: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        options.split(argv)
