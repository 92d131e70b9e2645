"""Reading of trees, for resolvers: entries, globs, contents, status. ``root`` is a view; nothing is changed."""

import os
import posixpath
import re
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import paths, patterns

MAX_CONTENTS = 128 << 20
"""The largest file whose contents travel through the API, in bytes (Dagger's limit)."""


class FileType(StrEnum):
    """Dagger's FileType."""

    REGULAR = "REGULAR"
    DIRECTORY = "DIRECTORY"
    SYMLINK = "SYMLINK"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Stat:
    """Dagger's Stat; ``permissions`` are the nine bits, ``size`` is in bytes."""

    name: str
    kind: FileType
    permissions: int
    size: int


def entries(root: Path, path: str = "/", said: str = "") -> list[str]:
    """The names in the directory ``path``, sorted; directories end in a slash. Raises UserError if it is none."""
    return _listed(directory(root, path, said))


def _listed(real: str) -> list[str]:
    with os.scandir(real) as listing:
        ordered = sorted(listing, key=lambda entry: entry.name)
        return [entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in ordered]


def glob(root: Path, path: str, pattern: str) -> list[str]:
    """The paths below the directory ``path`` that match, relative to it; directories end in a slash.

    ``**`` crosses directories; what is inside a matched directory does not match by that (Directory.glob). A Dagger
    engine takes ``a/*/**`` for the plain prefix ``a`` and does not look into ``a``'s directories, so neither does this.
    """
    wanted = patterns.compile_patterns([pattern])
    prefix = _plain_prefix(pattern)
    base = directory(root, path)
    found: list[str] = []
    todo = [""]
    while todo:
        below = todo.pop()
        subdirectories = []
        for name in _listed(f"{base}/{below}"):  # a directory itself, so that no link is on the way
            relative = posixpath.join(below, name)
            matches = wanted.match(relative.rstrip("/"), wanted.nothing)[0]
            if matches:
                found.append(relative)
            if prefix is not None and not matches and not f"{prefix}/".startswith(relative):
                continue
            if name.endswith("/") and wanted.may_match_below(relative.rstrip("/"), negated=False):
                subdirectories.append(relative)
        todo.extend(reversed(subdirectories))
    return sorted(found, key=lambda entry: entry.rstrip("/").split("/"))


def _plain_prefix(pattern: str) -> str | None:
    """A pattern without its trailing wildcards, if no wildcard is left then (Directory.Glob in Dagger 0.21)."""
    text = posixpath.normpath(pattern.strip()).lstrip("/").removesuffix("/**").removesuffix("/*")
    return None if re.search(r"[*\[\]?^\\]", text) else text


def contents(root: Path, path: str, said: str = "") -> bytes:
    """The bytes of the file at ``path``. Raises UserError if there is none, or if it is too large."""
    real = file(root, path, said)
    size = os.stat(real).st_size
    if size > MAX_CONTENTS:
        raise UserError(f"{path}: file size {size} exceeds limit {MAX_CONTENTS}; export it instead")
    return Path(real).read_bytes()


def lines(data: bytes, offset: int = 0, limit: int | None = None) -> bytes:
    """``limit`` lines of ``data`` after the first ``offset``. Raises UserError for negative numbers."""
    if offset < 0 or (limit is not None and limit < 0):
        raise UserError("offsetLines and limitLines cannot be negative")
    return b"".join(split_lines(data)[offset : None if limit is None else offset + limit])


def split_lines(data: bytes) -> list[bytes]:
    """The lines of ``data`` with their ends; only a newline ends one."""
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def size(root: Path, path: str, said: str = "") -> int:
    """The size in bytes of the file at ``path``. Raises UserError if there is none."""
    return os.stat(file(root, path, said)).st_size


def status(root: Path, path: str, said: str = "", *, follow: bool = True) -> Stat:
    """The status of ``path``. Raises UserError if nothing is."""
    info = _info(root, path, follow=follow)
    if info is None:
        raise UserError(f"stat {said or path}: no such file or directory")
    name = posixpath.basename(paths.clean(path)) or "/"
    return Stat(name, _kind(info.st_mode), stat.S_IMODE(info.st_mode) & 0o777, info.st_size)


def exists(root: Path, path: str, kind: FileType | None = None, *, follow: bool = True) -> bool:
    """Whether there is something at ``path``, of that ``kind`` if one is given; asked for a link, none is followed."""
    info = _info(root, path, follow=follow and kind != FileType.SYMLINK)
    return info is not None and kind in (None, _kind(info.st_mode))


def find_up(root: Path, path: str, name: str, start: str) -> str | None:
    """The path, relative to the directory ``path``, of ``name`` in ``start`` or the nearest directory above it.

    Raises UserError for an empty name, and a start that is no directory or climbs.
    """
    if not name:
        raise UserError("name cannot be empty")
    if paths.climbs(start):
        raise UserError(f"cannot search outside parent: {start}")
    current = paths.clean(start)
    directory(root, paths.join(path, current))
    while True:
        if exists(root, paths.join(path, posixpath.join(current, name)), follow=False):
            return posixpath.normpath(posixpath.join(current, name))
        if not current:
            return None
        current = posixpath.dirname(current)


def _info(root: Path, path: str, *, follow: bool) -> os.stat_result | None:
    relative = paths.resolve(root, path) if follow else paths.resolve_parent(root, path)
    try:
        return os.lstat(paths.under(root, relative))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _kind(mode: int) -> FileType:
    kinds = {
        stat.S_IFREG: FileType.REGULAR,
        stat.S_IFDIR: FileType.DIRECTORY,
        stat.S_IFLNK: FileType.SYMLINK,
    }
    return kinds.get(stat.S_IFMT(mode), FileType.UNKNOWN)


def directory(root: Path, path: str, said: str = "") -> str:
    """The real path of the directory ``path``, written ``said``. Raises UserError if there is none."""
    real, mode = _there(root, path, said)
    if not stat.S_ISDIR(mode):
        raise UserError(f"path {said or path} is a file, not a directory")
    return real


def file(root: Path, path: str, said: str = "") -> str:
    """The real path of the regular file at ``path``, written ``said``. Raises UserError if there is none."""
    real, mode = _there(root, path, said)
    if stat.S_ISDIR(mode):
        raise UserError(f"path {said or path} is a directory, not a file")
    if not stat.S_ISREG(mode):
        raise UserError(f"path {said or path} is not a regular file")
    return real


def _there(root: Path, path: str, said: str) -> tuple[str, int]:
    real = paths.under(root, paths.resolve(root, path))
    mode = paths.mode(real)
    if not mode:
        raise UserError(f"stat {said or path}: no such file or directory")
    return real, mode
