"""Who a container's program runs as: Docker's ``user[:group]`` looked up in the image's own passwd and group files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import paths


@dataclass(frozen=True)
class User:
    """Numeric identity of a process; ``groups`` are the supplementary ones."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()

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
    entry = _find(name, _records(passwd, (2, 3)))
    if entry is None and not name.isdigit():
        raise UserError(f"user {name!r} is not in the image's /etc/passwd; use a number, or add the user first")
    uid = int(entry[2]) if entry else int(name)
    gid = int(entry[3]) if entry else 0
    if group_name:
        return User(uid, _group(group_name, group))
    return User(uid, gid, tuple(_supplementary(entry[0], group)) if entry else ())


def _find(name: str, records: Iterator[list[str]]) -> list[str] | None:
    """The record of that name, else of that number."""
    by_number = None
    for record in records:
        if record[0] == name:
            return record
        if by_number is None and record[2] == name:
            by_number = record
    return by_number


def _group(name: str, text: str) -> int:
    found = _find(name, _records(text, (2,)))
    if found:
        return int(found[2])
    if not name.isdigit():
        raise UserError(f"group {name!r} is not in the image's /etc/group; use a number, or add the group first")
    return int(name)


def _supplementary(name: str, text: str) -> Iterator[int]:
    for record in _records(text, (2,)):
        if len(record) > 3 and name in record[3].split(","):
            yield int(record[2])


def _records(text: str, numbers: Sequence[int]) -> Iterator[list[str]]:
    """Lines of passwd(5) or group(5) that have whole numbers where they belong; others are passed over."""
    for line in text.splitlines():
        record = line.split(":")
        if len(record) > numbers[-1] and all(record[index].isdigit() for index in numbers):
            yield record


def read(rootfs: Path, name: str) -> str:
    """``etc/passwd`` or ``etc/group`` of an image; "" when there is none."""
    try:
        return Path(paths.under(rootfs, paths.resolve(rootfs, name))).read_bytes().decode(errors="replace")
    except OSError:
        return ""
