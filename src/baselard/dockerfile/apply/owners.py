"""`--chown` and USER values → numbers, as BuildKit resolves them for files (client/llb/fileop.go, moby/sys/user).

What an image does not know becomes 0 without a word; the API's own `owner` arguments differ there, and give a user
without a group not the group of /etc/passwd but its own number. Where there is no image at all, a name is refused.
"""

from __future__ import annotations

import posixpath
import re

TABLES = ("/etc/passwd", "/etc/group")
INTEGER = re.compile(r"[+-]?[0-9]+")


def may_change_owners(source: str, dest: str) -> bool:
    """Whether copying `source` to the path `dest` may bring another /etc/passwd or /etc/group.

    A directory that holds one and is copied through a link to /etc goes unnoticed.
    """
    where = posixpath.normpath(posixpath.join("/", dest))
    names = (posixpath.basename(table) for table in TABLES)
    return where in ("/", "/etc", *TABLES) or posixpath.basename(source) in names


def is_numeric(owner: str) -> bool:
    """Whether the owner can be told without looking into the image."""
    return all(_number(part) is not None for part in owner.split(":", 1))


def resolve_owner(owner: str, passwd: str = "", group: str = "") -> str:
    """`uid:gid` of `user[:group]`, given the texts of /etc/passwd and /etc/group."""
    user, colon, group_name = owner.partition(":")
    uid = _number(user)
    ids = (uid, uid) if uid is not None else _described(user, passwd, (2, 3)) or (0, 0)
    if not colon:
        return f"{ids[0]}:{ids[1]}"
    gid = _number(group_name)
    if gid is None:
        gid = next(iter(_described(group_name, group, (2,))), ids[1])
    return f"{ids[0]}:{gid}"


def _number(part: str) -> int | None:
    """The number that a part is: root's and an empty one's is 0. Others are names, even if they look like one."""
    if part in ("", "root"):
        return 0
    number = int(part) if INTEGER.fullmatch(part) else -1
    return number if 0 <= number < 1 << 31 else None


def _described(name: str, table: str, columns: tuple[int, ...]) -> tuple[int, ...]:
    """These columns of the first line for `name`, 0 where one is no number; nothing when there is no such line."""
    for line in table.split("\n"):
        fields = line.strip().split(":")
        if fields[0] == name:
            found = [fields[column] if column < len(fields) else "" for column in columns]
            return tuple(int(text) if INTEGER.fullmatch(text) else 0 for text in found)
    return ()
