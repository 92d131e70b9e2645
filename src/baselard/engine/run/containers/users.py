"""The user of a container's program: Docker's ``user[:group]`` looked up in the image's own passwd and group files."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import inside
from baselard.engine.files.accounts import Record, records
from baselard.oci.digits import LARGEST_ID, decimal

_NOBODYS_HOME = "/"  # as runc and docker have it; crun sets none


@dataclass(frozen=True)
class User:
    """Numeric identity of a process; ``groups`` are the supplementary ones.

    ``home`` is of a number that passwd does not know; of others the runtime looks it up.
    """

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = field(default="", compare=False)

    def to_json(self) -> dict[str, object]:
        """The OCI runtime specification's ``process.user``; as in containerd, the primary group is listed again."""
        return {"uid": self.uid, "gid": self.gid, "additionalGids": list(dict.fromkeys((self.gid, *self.groups)))}


def resolve(text: str, passwd: str, group: str) -> User:
    """The user that ``text`` means (``""`` is root).

    A number that passwd does not know is taken as it is, with group 0; a named group or a number given after the
    colon leaves no supplementary groups, as in Docker. Raises UserError for a name that is not there.
    """
    name, _, group_name = text.partition(":")
    name = name or "0"
    entry = _find(name, records(passwd, 2))
    uid = entry.numbers[0] if entry else _number(name, "user", "passwd")
    home = "" if entry else _NOBODYS_HOME
    if group_name:
        found = _find(group_name, records(group, 1))
        return User(uid, found.numbers[0] if found else _number(group_name, "group", "group"), home=home)
    return User(uid, entry.numbers[1], tuple(_supplementary(entry.fields[0], group))) if entry else User(uid, home=home)


def _find(name: str, records: Iterator[Record]) -> Record | None:
    """The record of that name, else of that number."""
    by_number = None
    for record in records:
        if record.fields[0] == name:
            return record
        if by_number is None and record.fields[2] == name:
            by_number = record
    return by_number


def _number(text: str, kind: str, table: str) -> int:
    number = decimal(text, LARGEST_ID)
    if number is None:
        way_out = f"use a number from 0 to {LARGEST_ID}, or add the {kind} first"
        raise UserError(f"unable to find {kind} {text}: no matching entries in {table} file; {way_out}")
    return number


def _supplementary(name: str, text: str) -> Iterator[int]:
    for record in records(text, 1):
        if len(record.fields) > 3 and name in record.fields[3].split(","):
            yield record.numbers[0]


def read(rootfs: Path, name: str) -> str:
    """``etc/passwd`` or ``etc/group`` of an image; "" when there is none. Raises UserError when it is no such file."""
    return (inside.read(rootfs, f"/{name}") or b"").decode(errors="replace")
