"""The users' and groups' numbers that this process can give to files: all, or those of a user namespace."""

import functools
from pathlib import Path

_ALL = ((0, 0, (1 << 32) - 1),)
Range = tuple[int, int, int]
"""First number here, first number outside, how many."""


@functools.cache
def mapped() -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """The ranges of users' and of groups' numbers. Once asked, a process stays in its user namespace."""
    users, groups = (_ranges(Path(f"/proc/self/{kind}_map").read_text()) for kind in ("uid", "gid"))
    return users, groups


def are_all() -> bool:
    """Whether this is the machine's own user namespace, where every number is its own."""
    return mapped() == (_ALL, _ALL)


def are_one() -> bool:
    """Whether there is but one user and one group."""
    return all(sum(length for _, _, length in kind) == 1 for kind in mapped())


def _ranges(text: str) -> tuple[Range, ...]:
    rows = (tuple(map(int, line.split())) for line in text.splitlines())
    return tuple((row[0], row[1], row[2]) for row in rows)
