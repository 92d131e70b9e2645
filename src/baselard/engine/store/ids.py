"""The users' and groups' numbers that this process can give to files: all, or those of a user namespace."""

import errno
import functools
import json
import os
from pathlib import Path

from baselard.engine.errors import HostError, UserError

_ALL = ((0, 0, (1 << 32) - 1),)
Range = tuple[int, int, int]
"""First number here, first number outside, how many."""


@functools.cache
def mapped() -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """The ranges of users' and of groups' numbers. Who enters another namespace has them read anew."""
    users, groups = (_ranges(Path(f"/proc/self/{kind}_map").read_text()) for kind in ("uid", "gid"))
    return users, groups


def are_all() -> bool:
    """Whether this is the machine's own user namespace, where every number is its own."""
    return mapped() == (_ALL, _ALL)


def are_one() -> bool:
    """Whether there is but one user and one group."""
    return all(sum(length for _, _, length in kind) == 1 for kind in mapped())


def own() -> int:
    """The number of this process's user outside of its user namespace."""
    user = os.getuid()
    return next((out + user - first for first, out, length in mapped()[0] if first <= user < first + length), user)


def missing(user: int, group: int) -> str:
    """Why no file can belong to ``user`` and ``group`` here, with what to do, or ""."""
    users, groups = mapped()
    if _holds(users, user) and _holds(groups, group):
        return ""
    if are_one():
        return (
            f"{user}:{group} is an owner that this user namespace has not: all files belong to one user here, and more "
            "need a range in /etc/subuid and /etc/subgid and the package uidmap, or root"
        )
    most = max(first + length for first, _, length in users) - 1
    return f"{user}:{group} is beyond the users' numbers of this user namespace, 0 to {most}; root has all"


def keep_to(store: Path) -> None:
    """Have a store used with the numbers alone that it was made with. Raises HostError where they are others now.

    Its files would belong to others, and marks for overlayfs would not be seen.
    """
    place, now = store / "ids", "" if are_all() else json.dumps(mapped())
    if not (store / "store.db").exists():
        if now:
            place.write_text(now)
    elif (place.read_text() if place.exists() else "") != now:
        whose = "another user namespace, or of the time before /etc/subuid was changed" if place.exists() else "root"
        raise HostError(f"the store {store} is of {whose}; set BASELARD_STORE to another directory")


def told(error: OSError, user: int, group: int) -> OSError | UserError:
    """What to raise where chown(2) to ``user`` and ``group`` failed: the reason, where it is one of these."""
    reason = missing(user, group) if error.errno == errno.EINVAL else ""
    return UserError(reason) if reason else error


def _holds(kind: tuple[Range, ...], number: int) -> bool:
    return any(first <= number < first + length for first, _, length in kind)


def _ranges(text: str) -> tuple[Range, ...]:
    rows = (tuple(map(int, line.split())) for line in text.splitlines())
    return tuple((row[0], row[1], row[2]) for row in rows)
