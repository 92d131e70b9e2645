"""Differences between two trees: type, permissions, owner, attributes, content; times do not count."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from baselard.engine.files import file_bytes, paths, xattrs
from baselard.engine.files.walking import Entry, walk

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Differences:
    """Entries of the newer tree that are new or changed, and of the older one that are gone.

    What was in a directory that is gone is in ``gone`` alone.
    """

    added: tuple[Entry, ...]
    modified: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    gone: tuple[Entry, ...]


Alike = Callable[[str, Entry, str, Entry], bool]
"""Whether an entry of the first tree is as one of the second."""


def same(older: str, old: Entry, newer: str, new: Entry) -> bool:
    """Whether two entries are alike in all but their times."""
    before, after = f"{older}/{old.path}", f"{newer}/{new.path}"
    return (
        _looks(old.info) == _looks(new.info)
        and xattrs.read(before) == xattrs.read(after)
        and _content_same(before, after, new.info)
    )


def same_to_git(older: str, old: Entry, newer: str, new: Entry) -> bool:
    """Whether git would see no change: of modes it knows but whether somebody may execute, of directories nothing."""
    if stat.S_ISDIR(old.info.st_mode) and stat.S_ISDIR(new.info.st_mode):
        return True
    return _known_to_git(old.info) == _known_to_git(new.info) and _content_same(
        f"{older}/{old.path}", f"{newer}/{new.path}", new.info
    )


def between(older: str, newer: str, alike: Alike = same) -> Differences:
    """Compare the trees at two real directories."""
    before = {entry.path: entry for entry in walk(older)}
    added: list[Entry] = []
    modified: list[Entry] = []
    for entry in walk(newer):
        old = before.pop(entry.path, None)
        if old is None:
            added.append(entry)
        elif not alike(older, old, newer, entry):
            modified.append(entry)
    removed = tuple(entry for path, entry in before.items() if path.rpartition("/")[0] not in before)
    return Differences(tuple(added), tuple(modified), removed, tuple(before.values()))


def _looks(info: os.stat_result) -> tuple[int, ...]:
    sizes = 0 if stat.S_ISDIR(info.st_mode) else info.st_size
    return (info.st_mode, info.st_uid, info.st_gid, info.st_rdev, sizes)


def _known_to_git(info: os.stat_result) -> tuple[int, ...]:
    executable = stat.S_ISREG(info.st_mode) and bool(info.st_mode & 0o111)
    return (stat.S_IFMT(info.st_mode), executable, info.st_rdev, info.st_size)


def _content_same(old: str, new: str, info: os.stat_result) -> bool:
    if stat.S_ISLNK(info.st_mode):
        return os.readlink(old) == os.readlink(new)
    return not stat.S_ISREG(info.st_mode) or all(a == b for a, b in zip(_chunks(old), _chunks(new), strict=True))


def _chunks(path: str) -> Iterator[bytes]:
    with open(file_bytes.opened(path), "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
    yield b""


def with_parents(entries: tuple[Entry, ...], root: str) -> Iterator[Entry]:
    """``entries``, each after the directories of ``root`` that lead to it."""
    said: set[str] = {""}
    for entry in sorted(entries, key=lambda one: one.path.split("/")):
        for parent in paths.above(entry.path):
            if parent not in said:
                said.add(parent)
                yield Entry(parent, os.lstat(f"{root}/{parent}"))
        if entry.path not in said:
            said.add(entry.path)
            yield entry
