"""`--chown` and USER values → numbers, as BuildKit resolves them for files (solver/llbsolver/file/user_linux.go).

What an image does not know becomes 0 without a word; the API's own `owner` arguments differ there, and give a user
without a group not the group of /etc/passwd but its own number.
"""

from __future__ import annotations

import posixpath

from baselard.oci.registry.digits import LARGEST_ID, whole

TABLES = ("/etc/passwd", "/etc/group")


def may_change_owners(source: str, dest: str) -> bool:
    """Whether copying `source` to the path `dest` may bring another /etc/passwd or /etc/group.

    A directory that holds one and is copied through a link to /etc goes unnoticed.
    """
    where = posixpath.normpath(posixpath.join("/", dest))
    names = (posixpath.basename(table) for table in TABLES)
    return where in ("/", "/etc", *TABLES) or posixpath.basename(source) in names


def is_numeric(owner: str) -> bool:
    """Whether the owner can be told without looking into the image."""
    return all(whole(part, LARGEST_ID) is not None for part in owner.split(":", 1))


def check_owner(owner: str) -> None:
    """ValueError for a number that is nobody's: docker takes it for a name, does not find it, and so means root."""
    for part in owner.split(":", 1):
        if part.strip().lstrip("+-").isnumeric() and whole(part, LARGEST_ID) is None:
            raise ValueError(f"invalid owner {part!r}: users and groups have numbers from 0 to {LARGEST_ID}")


def resolve_owner(owner: str, passwd: str = "", group: str = "") -> str:
    """`uid:gid` of `user[:group]`, given the texts of /etc/passwd and /etc/group."""
    user, colon, group_name = owner.partition(":")
    number = whole(user, LARGEST_ID)
    uid, gid = _user(user, passwd) if number is None else (number, number)
    if colon and group_name:
        number = whole(group_name, LARGEST_ID)
        gid = _number(group_name, group, 2) if number is None else number
    return f"{uid}:{gid}"


def _user(name: str, passwd: str) -> tuple[int, int]:
    return _number(name, passwd, 2), _number(name, passwd, 3)


def _number(name: str, table: str, column: int) -> int:
    for line in table.split("\n"):
        fields = line.strip().split(":")
        if fields[0] == name and len(fields) > column and (number := whole(fields[column], LARGEST_ID)) is not None:
            return number
    return 0
