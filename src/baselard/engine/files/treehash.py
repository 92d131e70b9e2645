"""The digest of a tree's content: names, types, modes, owners, extended attributes, bytes and link targets.

Hard links do not count, nor do times unless they were set on purpose, as in BuildKit's content hash. A tree's digest
is the SHA-256 of its entries in the walk's order, so a part of a tree has the digest that a tree with only this part
would have.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from baselard.engine.files import file_bytes, xattrs
from baselard.engine.files.walking import Entry
from baselard.oci import digests

EMPTY = digests.of_bytes(b"tree.v1\0")

_SMALL = 1 << 16

Content = Callable[[str, os.stat_result], bytes]
"""Gives the identity of a regular file's bytes and extended attributes, from its real path."""


TIMED = "+times"
"""How the digest of a value ends in whose tree times of modification were set on purpose and count."""


@dataclass(frozen=True)
class As:
    """How entries count: with other owners than they have, where they will get these anyway; with their times."""

    uid: int | None = None
    gid: int | None = None
    times: bool = False


def of_entries(root: str, entries: Iterable[Entry], *, content: "Content | None" = None, owner: As = As()) -> str:
    """The digest of ``entries`` (from ``walking.walk``) below the real directory ``root``."""
    return of_lines(line(f"{root}/{entry.path}", entry, content=content, owner=owner) for entry in entries)


def line(real: str, entry: Entry, *, content: "Content | None" = None, owner: As = As()) -> bytes:
    """The bytes of one entry, at the path ``real``, in the digest: path, NUL, mode and owners, NUL, its ``detail``."""
    return os.fsencode(entry.path) + b"\0" + _head(entry.info, owner) + detail(real, entry.info, content)


def of_lines(lines: "Iterable[bytes | bytearray]") -> str:
    """The digest of the entries with these lines, in the walk's order."""
    running = hashlib.sha256(b"tree.v1\0")
    for each in lines:
        running.update(each)
    return digests.of_hash(running)


def of_file(path: str, *, metadata: bool = True, times: bool = False) -> str:
    """The digest of one regular file, with mode, owner and extended attributes.

    Without ``metadata`` it is Dagger's, the SHA-256 of the content's SHA-256 (core/file.go, Digest).
    """
    if not metadata:
        return digests.of_bytes(_bytes_digest(path, os.stat(path).st_size))
    info = os.lstat(path)
    head = b"file.v1\0" + _head(info, As(times=times))
    return digests.of_bytes(head + detail(path, info))


def of_looks(path: str, *, times: bool = False) -> str:
    """The digest of what ``path`` itself is but for its content: mode, owner and extended attributes."""
    head = b"looks.v1\0" + _head(os.lstat(path), As(times=times))
    return digests.of_bytes(_with_attributes(head, path))


def _head(info: os.stat_result, owner: As) -> bytes:
    uid = info.st_uid if owner.uid is None else owner.uid
    gid = info.st_gid if owner.gid is None else owner.gid
    times = b" %d" % info.st_mtime_ns if owner.times else b""
    return b"%o %d %d%s\0" % (info.st_mode, uid, gid, times)


def file_identity(path: str, info: os.stat_result, opener: Callable[[str], int] | None = None) -> bytes:
    """32 bytes for a regular file's content and extended attributes; ``opener`` gives its descriptor."""
    return _with_attributes(_bytes_digest(path, info.st_size, opener), path)


def detail(path: str, info: os.stat_result, content: "Content | None" = None) -> bytes:
    """32 bytes for what an entry holds, with its extended attributes: a file's bytes, a link's target, a number."""
    kind = stat.S_IFMT(info.st_mode)
    if kind == stat.S_IFREG:
        return (content or file_identity)(path, info)
    if kind == stat.S_IFLNK:
        return _with_attributes(hashlib.sha256(os.fsencode(os.readlink(path))).digest(), path)
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        return _with_attributes(b"%032d" % info.st_rdev, path)
    return _with_attributes(b"-" * 32, path)


def _with_attributes(identity: bytes, path: str) -> bytes:
    attributes = xattrs.read(path)
    if not attributes:
        return identity
    running = hashlib.sha256(identity)
    for name, value in attributes.items():
        running.update(b"%s\0%d\0%s" % (os.fsencode(name), len(value), value))
    return running.digest()


def _bytes_digest(path: str, size: int, opener: Callable[[str], int] | None = None) -> bytes:
    with open((opener or file_bytes.opened)(path), "rb", buffering=0) as file:
        if size < _SMALL:  # one read; most files are, and file_digest costs more than hashing them
            return hashlib.sha256(file.readall()).digest()
        return hashlib.file_digest(file, "sha256").digest()
