"""Reads a layer's tar as a tree of inodes that point into it, where that is all there is to it.

Whatever only a real file system or the layers below can settle (paths through links, directories that are used but not
described, whiteouts, sparse files, attributes of some kinds) is unusual: such a layer is unpacked (extract.py), which
also finds the words for what is broken or hostile.
"""

import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from baselard.engine.errors import UserError
from baselard.engine.files.inside import Names
from baselard.engine.images.layers import erofs, extract, tar_read
from baselard.engine.images.layers.erofs import Inode
from baselard.engine.images.layers.tar_read import TarEntry
from baselard.engine.store import overlay, stamps
from baselard.oci import whiteouts

_LONGEST_NAME, _LONGEST_LINK, _MOST_XATTRS = 255, 4095, 2048
_MOST_ENTRIES = 500_000  # some 200 MB of memory
_LATEST = 1 << 33  # seconds; ext4 knows no later ones
_CAPABILITY = "security.capability"
_CAPABILITY_SIZE = 20  # bytes of revision 2 (capabilities(7))


@dataclass
class _Counted:
    """A source that knows where it is."""

    source: tar_read.TarSource
    at: int = 0

    def read(self, size: int) -> bytes:
        data = self.source.read(size)
        self.at += len(data)
        return data

    def skip(self, size: int) -> int:
        went = self.source.skip(size)
        self.at += went
        return went


class UnusualError(Exception):
    """The layer has to be unpacked."""


@dataclass
class _Tree:
    root: Inode
    lowest: bool
    described: bool = False
    parent: dict[bytes, Inode] = field(default_factory=dict)
    parent_names: Names | None = None

    def directory(self, names: Names) -> dict[bytes, Inode]:
        """The entries of the directory in which ``names`` lies."""
        if names[:-1] != self.parent_names:
            below = self.root.below
            for name in names[:-1]:
                below = below[name].below if below is not None and name in below else None
            if below is None:
                raise UnusualError
            self.parent, self.parent_names = below, names[:-1]
        return self.parent

    def put(self, names: Names, inode: Inode) -> None:
        """Have ``names`` lead to the inode; what came earlier under them goes, as in any tar."""
        below = self.directory(names)
        if earlier := below.get(names[-1]):
            earlier.names -= 1
            if earlier.below:
                raise UnusualError
            self.parent_names = None
        below[names[-1]] = inode


def read(source: tar_read.TarSource, *, lowest: bool) -> tuple[Inode, bool]:
    """The tree, and whether the tar describes its root. Raises UnusualError."""
    tree = _Tree(Inode(stat.S_IFDIR | 0o755, mtime=stamps.FIXED, below={}), lowest)
    counted = _Counted(source)
    try:
        for number, entry in enumerate(tar_read.TarReader(counted)):
            if number > _MOST_ENTRIES:
                raise UnusualError
            _take(tree, entry, counted.at)
    except UserError as error:
        raise UnusualError from error
    return tree.root, tree.described


def _take(tree: _Tree, entry: TarEntry, at: int) -> None:
    names = extract.names_of(entry.name)
    if names and max(map(len, names)) > _LONGEST_NAME:
        raise UnusualError
    if entry.xattrs:
        _check_xattrs(entry)
    if not 0 <= entry.mtime < _LATEST * 10**9:
        raise UnusualError
    if names and names[-1].startswith(whiteouts.PREFIX):
        raise UnusualError
    if not names and entry.kind != tar_read.DIRECTORY:
        raise UnusualError
    _TAKERS[entry.kind](tree, names, entry, at)


def _check_xattrs(entry: TarEntry) -> None:
    if entry.kind not in (tar_read.REGULAR, tar_read.DIRECTORY) or sum(map(len, entry.xattrs.values())) > _MOST_XATTRS:
        raise UnusualError
    for name, value in entry.xattrs.items():
        odd = not erofs.holds(name) or name.startswith(overlay.ATTRIBUTES) or "\0" in name
        if odd or (name == _CAPABILITY and len(value) != _CAPABILITY_SIZE):
            raise UnusualError


def _inode(kind: int, entry: TarEntry, **more: object) -> Inode:
    xattrs = entry.xattrs or None  # most have none, and of each there are very many
    return Inode(kind | entry.mode, entry.uid, entry.gid, entry.mtime, xattrs=xattrs, **more)  # type: ignore[arg-type]


def _directory(tree: _Tree, names: Names, entry: TarEntry, _: int) -> None:
    tree.described |= not names
    there = tree.directory(names).get(names[-1]) if names else tree.root
    if there is None or there.below is None:
        tree.put(names, _inode(stat.S_IFDIR, entry, below={}))
        return
    there.mode, there.uid, there.gid, there.mtime = stat.S_IFDIR | entry.mode, entry.uid, entry.gid, entry.mtime
    there.xattrs = {**(there.xattrs or {}), **entry.xattrs}


def _file(tree: _Tree, names: Names, entry: TarEntry, at: int) -> None:
    if entry.segments is not None:
        raise UnusualError
    tree.put(names, _inode(stat.S_IFREG, entry, size=entry.size, at=at))


def _link(tree: _Tree, names: Names, entry: TarEntry, _: int) -> None:
    if not entry.link or b"\0" in entry.link or len(entry.link) > _LONGEST_LINK:
        raise UnusualError
    tree.put(names, _inode(stat.S_IFLNK, entry._replace(mode=0o777), special=entry.link))


def _hard_link(tree: _Tree, names: Names, entry: TarEntry, _: int) -> None:
    target = extract.names_of(entry.link)
    there = tree.directory(target).get(target[-1]) if target and target != names else None
    if there is None or there.below is not None:
        raise UnusualError
    there.names += 1
    tree.put(names, there)


def _special(tree: _Tree, names: Names, entry: TarEntry, _: int) -> None:
    major, minor = entry.device if entry.kind != tar_read.FIFO else (0, 0)
    if major >= 1 << 12 or minor >= 1 << 20 or (entry.kind == tar_read.CHARACTER and not major | minor):
        raise UnusualError
    number = (minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12  # Linux's new_encode_dev
    tree.put(names, _inode(_SPECIAL[entry.kind], entry, special=number))


_SPECIAL = {tar_read.CHARACTER: stat.S_IFCHR, tar_read.BLOCK_DEVICE: stat.S_IFBLK, tar_read.FIFO: stat.S_IFIFO}
_TAKERS: Mapping[bytes, "Callable[[_Tree, Names, TarEntry, int], None]"] = {
    tar_read.REGULAR: _file,
    tar_read.HARD_LINK: _hard_link,
    tar_read.SYMLINK: _link,
    tar_read.DIRECTORY: _directory,
    **dict.fromkeys(_SPECIAL, _special),
}
