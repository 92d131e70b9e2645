"""Writes an EROFS image that describes a tree and leaves the files' bytes where they are: in a tar, as a second device.

Format: Linux's Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h. Blocks have 512 bytes, as in a tar, so that
each file's bytes begin with a block. The tar's blocks follow the image's own in one row of numbers.
"""

import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct

BLOCK = 512
_MAGIC, _MTIMES, _DEVICE_TABLE, _PLAIN = 0xE0F5E1E2, 2, 8, 1
_SUPER_AT, _DEVICES_AT, _INODES_AT = 1024, 1152, 3 * BLOCK
_SLOT = 32  # bytes; an inode's number counts them
_SUPER = Struct("<IIIBBHQQIIII16s16sIHHHBBIQ24x")
_DEVICE = Struct("<64sII56x")
_INODE = Struct("<HHHHQIIIIqII16x")
_ENTRY = Struct("<QHBx")
_XATTR = Struct("<BBH")
_XATTRS_HEAD = bytes(12)
_PREFIXES = {"user.": 1, "trusted.": 4, "security.": 6}
_KINDS = {
    stat.S_IFREG: 1,
    stat.S_IFDIR: 2,
    stat.S_IFCHR: 3,
    stat.S_IFBLK: 4,
    stat.S_IFIFO: 5,
    stat.S_IFLNK: 7,
}


@dataclass(slots=True)
class Inode:
    """A file, directory or whatever else, as ``mode`` tells. ``mtime`` is in nanoseconds, ``at`` where a file's bytes
    begin in the tar, ``special`` a link's target or a device's number. Several ``names`` may lead to it."""

    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    at: int = 0
    special: bytes | int = b""
    xattrs: Mapping[str, bytes] | None = None
    below: "dict[bytes, Inode] | None" = None
    names: int = 1
    number: int = -1
    block: int = 0


@dataclass
class _Layout:
    """Where everything goes: inodes in a row, the root first, then blocks of directories and of links."""

    inodes: list[Inode] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)
    end: int = 0
    count: int = 0

    def number(self, inode: Inode) -> bool:
        """Give an inode its place; whether it had none yet."""
        if inode.number >= 0:
            return False
        inode.number = self.end // _SLOT
        self.end += _rounded(_INODE.size + len(_xattrs(inode.xattrs)), _SLOT)
        self.inodes.append(inode)
        return True

    def put(self, inode: Inode, content: bytes) -> None:
        """Give what belongs to an inode its blocks, counted from the first that is no inode's."""
        inode.block, inode.size = self.count, len(content)
        self.blocks.append(content + bytes(-len(content) % BLOCK))
        self.count += -(-len(content) // BLOCK)


def written(root: Inode, tar_size: int) -> Iterator[bytes]:
    """The image of the tree below ``root``, whose files lie in a tar of ``tar_size`` bytes."""
    layout = _Layout()
    layout.number(root)
    _number(layout, root)
    _fill(layout, root, root)
    first = -(-(_INODES_AT + layout.end) // BLOCK)
    total = first + layout.count
    head = bytearray(_INODES_AT)
    _SUPER.pack_into(head, _SUPER_AT, *_superblock(len(layout.inodes), total))
    _DEVICE.pack_into(head, _DEVICES_AT, b"tar", -(-tar_size // BLOCK), total)
    yield bytes(head)
    yield from (_inode(inode, first, total) for inode in layout.inodes)  # one by one: there may be very many
    yield bytes(-layout.end % BLOCK)
    yield from layout.blocks


def _superblock(inodes: int, blocks: int) -> Sequence[int | bytes]:
    none = bytes(16)
    places = (_INODES_AT // BLOCK, 0, none, none)
    return (
        _MAGIC,
        0,
        _MTIMES,
        9,
        0,
        0,
        inodes,
        0,
        0,
        blocks,
        *places,
        _DEVICE_TABLE,
        0,
        1,
        _DEVICES_AT // 128,
        0,
        0,
        0,
        0,
    )


def _number(layout: _Layout, directory: Inode) -> None:
    todo = [directory]
    while todo:
        below = (todo.pop().below or {}).values()
        todo += [inode for inode in below if layout.number(inode) and inode.below is not None]


def _fill(layout: _Layout, root: Inode, parent: Inode) -> None:
    todo = [(root, parent)]
    while todo:
        directory, above = todo.pop()
        below = directory.below or {}
        layout.put(directory, b"".join(_listing({**below, b".": directory, b"..": above})))
        for inode in below.values():
            if inode.below is not None:
                todo.append((inode, directory))
            elif isinstance(inode.special, bytes) and inode.special and not inode.size:
                layout.put(inode, inode.special)


def _listing(entries: Mapping[bytes, Inode]) -> Iterator[bytes]:
    """A directory's blocks, all but the last padded: entries in the order of their bytes, then their names."""
    names: list[bytes] = []
    left = BLOCK
    for name in sorted(entries):
        if left < _ENTRY.size + len(name):
            yield _listed(names, entries).ljust(BLOCK, b"\0")
            names, left = [], BLOCK
        names.append(name)
        left -= _ENTRY.size + len(name)
    yield _listed(names, entries)


def _listed(names: Sequence[bytes], entries: Mapping[bytes, Inode]) -> bytes:
    at = len(names) * _ENTRY.size
    rows = []
    for name in names:
        inode = entries[name]
        rows.append(_ENTRY.pack(inode.number, at, _KINDS[stat.S_IFMT(inode.mode)]))
        at += len(name)
    return b"".join([*rows, *names])


def _inode(inode: Inode, first: int, tar: int) -> bytes:
    xattrs = _xattrs(inode.xattrs)
    seconds, nanoseconds = divmod(inode.mtime, 10**9)
    names = inode.names
    if isinstance(inode.special, int):
        place = inode.special
    elif inode.below is not None:
        place, names = first + inode.block, 2 + sum(inner.below is not None for inner in inode.below.values())
    elif inode.special:
        place = first + inode.block
    else:
        place = tar + inode.at // BLOCK if inode.size else 0
    count = 1 + (len(xattrs) - len(_XATTRS_HEAD)) // 4 if xattrs else 0
    row = _INODE.pack(
        _PLAIN,
        count,
        inode.mode,
        0,
        inode.size,
        place,
        inode.number + 1,
        inode.uid,
        inode.gid,
        seconds,
        nanoseconds,
        names,
    )
    return (row + xattrs).ljust(_rounded(len(row) + len(xattrs), _SLOT), b"\0")


def _xattrs(xattrs: Mapping[str, bytes] | None) -> bytes:
    """The extended attributes as they follow an inode. The names begin with one of ``_PREFIXES``."""
    if not xattrs:
        return b""
    rows = [_XATTRS_HEAD]
    for name, value in sorted(xattrs.items()):
        prefix = name[: name.index(".") + 1]
        own = name.removeprefix(prefix).encode("utf-8", "surrogateescape")
        row = _XATTR.pack(len(own), _PREFIXES[prefix], len(value)) + own + value
        rows.append(row.ljust(_rounded(len(row), 4), b"\0"))
    return b"".join(rows)


def holds(name: str) -> bool:
    """Whether the image can hold an extended attribute of this name."""
    prefix, _, own = name.partition(".")
    return f"{prefix}." in _PREFIXES and 0 < len(own.encode("utf-8", "surrogateescape")) < 256


def _rounded(size: int, to: int) -> int:
    return size + -size % to
