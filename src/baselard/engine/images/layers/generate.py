"""Walks the difference that one or more stacked snapshots make and yields it as a tar stream, in a fixed order."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from baselard.engine.errors import HostError
from baselard.engine.images.layers import tar_read, tar_write
from baselard.engine.images.layers.tar_read import TarEntry
from baselard.engine.store import overlay
from baselard.oci import whiteouts

_CHUNK = 1 << 20
_KEPT = ("user.", "trusted.")  # besides file capabilities; labels and ACLs belong to one machine
_KINDS = {
    stat.S_IFREG: tar_read.REGULAR,
    stat.S_IFLNK: tar_read.SYMLINK,
    stat.S_IFCHR: tar_read.CHARACTER,
    stat.S_IFBLK: tar_read.BLOCK_DEVICE,
    stat.S_IFDIR: tar_read.DIRECTORY,
    stat.S_IFIFO: tar_read.FIFO,
}


@dataclass
class _Writer:
    """Gathers headers and contents into chunks.

    ``latest`` holds time stamps down (seconds; None: as they are); the ``lowest`` layer hides nothing.
    """

    latest: int | None
    lowest: bool
    seen: dict[tuple[int, int], bytes] = field(default_factory=dict)
    pending: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, data: bytes) -> Iterator[bytes]:
        self.pending.append(data)
        self.size += len(data)
        if self.size >= _CHUNK:
            yield self.flush()

    def flush(self) -> bytes:
        data = b"".join(self.pending)
        self.pending, self.size = [], 0
        return data


def tar(
    trees: Sequence[str], *, latest: int | None = None, root: bool = False, lowest: bool = False
) -> Iterator[bytes]:
    """The difference that ``trees`` (upper directories, uppermost first) make, as a tar stream in chunks.

    Entries come in the order of their bytes, directories before what they hold, whiteouts first in theirs; a file with
    several names is written under the first. ``latest`` is SOURCE_DATE_EPOCH's meaning: no time stamp is later.
    ``root`` adds an entry for the root directory itself. In the ``lowest`` layer, where only trees of its own hide and
    are hidden, nothing is said to be deleted. Sockets are left out, as no tar can hold them.
    """
    writer = _Writer(latest, lowest)
    tops = [os.fsencode(tree) for tree in trees]
    if root:
        yield from writer.add(tar_write.header(_entry(writer, b".", tops[0], os.lstat(tops[0]))))
    yield from _directory(writer, tops, b"")
    yield from writer.add(tar_write.END)
    yield writer.flush()


def is_empty(tree: str) -> bool:
    """Whether a snapshot's own directory holds nothing."""
    with os.scandir(tree) as entries:
        return next(entries, None) is None


def _directory(writer: _Writer, trees: Sequence[bytes], name: bytes) -> Iterator[bytes]:
    """The entries that the directories ``trees``, uppermost first, hold together; ``name`` is theirs in the tar."""
    entries: dict[bytes, list[os.DirEntry[bytes]]] = {}
    for tree in trees:
        with os.scandir(tree) as found:
            for entry in found:
                entries.setdefault(entry.name, []).append(entry)
    prefix = name + b"/" if name else b""
    marks, others = [], []
    for key in sorted(entries):
        info = entries[key][0].stat(follow_symlinks=False)
        if overlay.is_whiteout(info):
            marks.append(key)
        elif not stat.S_ISSOCK(info.st_mode):
            others.append((key, info))
    for key in () if writer.lowest else marks:
        yield from writer.add(tar_write.header(_mark(writer, prefix + whiteouts.PREFIX + key, trees[0])))
    for key, info in others:
        if stat.S_ISDIR(info.st_mode):
            yield from _subdirectory(writer, entries[key], prefix + key, info)
        else:
            yield from _file(writer, entries[key][0].path, prefix + key, info)


def _subdirectory(
    writer: _Writer, entries: "Sequence[os.DirEntry[bytes]]", name: bytes, info: os.stat_result
) -> Iterator[bytes]:
    trees, opaque = _joined(entries)
    yield from writer.add(tar_write.header(_entry(writer, name, trees[0], info)))
    if opaque and not writer.lowest:
        yield from writer.add(tar_write.header(_mark(writer, name + b"/" + whiteouts.OPAQUE, trees[0])))
    yield from _directory(writer, trees, name)


def _joined(entries: "Sequence[os.DirEntry[bytes]]") -> tuple[list[bytes], bool]:
    """Which of the directories of one name show through each other, and whether they hide what is below them all."""
    trees: list[bytes] = []
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            return trees, True
        trees.append(entry.path)
        if overlay.is_opaque(os.fsdecode(entry.path)):
            return trees, True
    return trees, False


def _file(writer: _Writer, path: bytes, name: bytes, info: os.stat_result) -> Iterator[bytes]:
    inode = (info.st_dev, info.st_ino)
    if info.st_nlink > 1 and (first := writer.seen.get(inode)):
        link = _plain(writer, name, info)._replace(kind=tar_read.HARD_LINK, size=0, link=first)
        yield from writer.add(tar_write.header(link))
        return
    if info.st_nlink > 1:
        writer.seen[inode] = name
    yield from writer.add(tar_write.header(_entry(writer, name, path, info)))
    if stat.S_ISREG(info.st_mode) and info.st_size:
        yield from _content(writer, path, info.st_size)


def _content(writer: _Writer, path: bytes, size: int) -> Iterator[bytes]:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    left = size
    try:
        while left:
            data = os.read(file, min(left, _CHUNK))
            if not data:
                raise HostError(f"{os.fsdecode(path)} became shorter while it was read; the store is damaged")
            left -= len(data)
            yield from writer.add(data)
    finally:
        os.close(file)
    if size % tar_read.BLOCK:
        yield from writer.add(tar_write.padding(size))


def _entry(writer: _Writer, name: bytes, path: bytes, info: os.stat_result) -> TarEntry:
    entry = _plain(writer, name, info)
    link = os.readlink(path) if entry.kind == tar_read.SYMLINK else b""
    xattrs = {
        key: os.getxattr(path, key, follow_symlinks=False)
        for key in os.listxattr(path, follow_symlinks=False)
        if key == "security.capability" or (key.startswith(_KEPT) and not key.startswith(overlay.ATTRIBUTES))
    }
    return entry._replace(link=link, xattrs=xattrs) if link or xattrs else entry


def _plain(writer: _Writer, name: bytes, info: os.stat_result) -> TarEntry:
    kind = _KINDS[stat.S_IFMT(info.st_mode)]
    device = (os.major(info.st_rdev), os.minor(info.st_rdev)) if info.st_rdev else (0, 0)
    return TarEntry(
        name=name,
        kind=kind,
        mode=stat.S_IMODE(info.st_mode),
        uid=info.st_uid,
        gid=info.st_gid,
        size=info.st_size if kind == tar_read.REGULAR else 0,
        mtime=_time(writer, info.st_mtime_ns),
        device=device,
    )


def _mark(writer: _Writer, name: bytes, directory: bytes) -> TarEntry:
    """An empty file that says «deleted»; as old as its directory, so that its bytes do not depend on the hour."""
    return TarEntry(name, tar_read.REGULAR, mode=0, mtime=_time(writer, os.lstat(directory).st_mtime_ns))


def _time(writer: _Writer, nanoseconds: int) -> int:
    seconds = nanoseconds // 10**9
    return (seconds if writer.latest is None else min(seconds, writer.latest)) * 10**9
