"""Who an ``owner`` argument means inside a tree: numbers, or names from its /etc/passwd and /etc/group."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import inside
from baselard.oci.digits import LARGEST_ID, whole


@dataclass(frozen=True)
class Owner:
    """A numeric owner."""

    uid: int
    gid: int


def resolve(root: Path | str, owner: str) -> Owner | None:
    """The owner that ``user[:group]`` means in the tree at ``root``; None for the empty string.

    Without a group it is the number of the user, as Dagger has it. Raises UserError for names the tree does not know.
    """
    if not owner:
        return None
    user, colon, group = owner.partition(":")
    uid = _number(user, root, "/etc/passwd", owner)
    return Owner(uid, _number(group, root, "/etc/group", owner) if colon else uid)


def _number(name: str, root: Path | str, database: str, owner: str) -> int:
    if (number := whole(name, LARGEST_ID)) is not None:
        return number
    for fields in _lines(root, database):
        if fields[0] == name and len(fields) > 2 and (number := whole(fields[2], LARGEST_ID)) is not None:
            return number
    raise UserError(f"owner {owner!r}: {name!r} is not in the tree's {database}; use a number or create it first")


def _lines(root: Path | str, database: str) -> Iterator[list[str]]:
    table = inside.read(root, database) or b""
    return (line.split(":") for line in os.fsdecode(table).split("\n"))
