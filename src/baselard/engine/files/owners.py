"""Owners that an ``owner`` argument means inside a tree: numbers, or names from its /etc/passwd and /etc/group."""

import os
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import inside
from baselard.engine.files.accounts import GROUP, PASSWD, records
from baselard.oci.digits import LARGEST_ID, decimal


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
    uid = _number(user, root, PASSWD, owner)
    return Owner(uid, _number(group, root, GROUP, owner) if colon else uid)


def _number(name: str, root: Path | str, database: str, owner: str) -> int:
    if (number := decimal(name, LARGEST_ID)) is not None:
        return number
    table = os.fsdecode(inside.read(root, database) or b"")
    for record in records(table, 1):
        if record.fields[0] == name:
            return record.numbers[0]
    raise UserError(f"owner {owner!r}: {name!r} is not in the tree's {database}; use a number or create it first")
