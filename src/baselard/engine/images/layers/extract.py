"""Unpacks one layer into a directory in overlayfs's own form, so that layers unpack side by side and then stack.

The rules are the OCI image spec's (layer.md): ``.wh.NAME`` deletes NAME of the layers below and becomes the character
device 0:0, ``.wh..wh..opq`` hides all that lower layers hold there and becomes the attribute
``trusted.overlay.opaque`` (Documentation/filesystems/overlayfs.rst). Nothing is ever written outside the directory:
every step of a path is opened below the one before it, and links are followed by hand, inside.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import HostError, UserError, foreseen
from baselard.engine.files.inside import DIRECTORY, Names
from baselard.engine.images.layers import tar_read
from baselard.engine.images.layers.tar_read import TarEntry
from baselard.engine.images.layers.tree import LayerTree, shown
from baselard.engine.store import deep, ids, overlay, stamps
from baselard.oci import whiteouts

_MOST_COMPONENTS = 2048  # PATH_MAX is 4096 bytes
_CHUNK = 1 << 20
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Leftovers:
    """The entries that only the layers below can settle: directories the layer uses but does not describe, hard links
    (name, target) to files that it does not hold, and whether there is anything to delete."""

    implied: tuple[Names, ...] = ()
    links: tuple[tuple[Names, Names], ...] = ()
    whiteouts: tuple[Names, ...] = ()


def unpack(source: tar_read.TarSource, root: Path, *, lowest: bool = False) -> Leftovers:
    """Unpack the tar from ``source`` into the directory ``root``; whiteouts mean nothing in the ``lowest`` layer.

    Raises UserError that names the entry for anything hostile, broken or impossible, HostError when the disk is full.
    What is in ``root`` then is of no use; the caller drops it.
    """
    reader = tar_read.TarReader(source)
    with LayerTree.at(root) as tree:
        tree.implied.add(())
        tree.times[()] = stamps.FIXED
        for entry in reader:
            try:
                _put(tree, entry, reader, lowest=lowest)
            except OSError as error:
                raise _explained(error, entry) from error
            except UserError as error:
                raise UserError(f"layer entry {shown(entry.name)}: {error}") from error
        tree.set_directory_times()
        return Leftovers(tuple(sorted(tree.implied)), tuple(tree.links), tuple(sorted(tree.whiteouts)))


def _put(tree: LayerTree, entry: TarEntry, reader: tar_read.TarReader, *, lowest: bool) -> None:
    names = names_of(entry.name)
    if not names:
        _put_root(tree, entry)
        return
    if names[-1].startswith(whiteouts.PREFIX):
        _put_whiteout(tree, names, lowest=lowest)
        return
    _check_xattrs(entry)
    parent = tree.open_parent(names)
    _MAKERS[entry.kind](tree, parent, names, entry, reader)


def _put_root(tree: LayerTree, entry: TarEntry) -> None:
    if entry.kind != tar_read.DIRECTORY:
        raise UserError("the root can be nothing but a directory")
    _check_xattrs(entry)
    _dress(tree.root, entry)
    tree.implied.discard(())
    tree.times[()] = entry.mtime


def _put_whiteout(tree: LayerTree, names: Names, *, lowest: bool) -> None:
    hidden = names[-1].removeprefix(whiteouts.PREFIX)
    opaque = names[-1] == whiteouts.OPAQUE
    if opaque and len(names) == 1:
        raise UserError("a whiteout of / is refused")
    if hidden in (b"", b".", b".."):
        raise UserError("a whiteout needs the name of what it deletes")
    if lowest or (names[-1].startswith(whiteouts.AUFS) and not opaque):
        return
    parent = tree.open_parent(names)
    if opaque:
        overlay.make_opaque(parent)
    else:
        _delete_below(parent, hidden)
        tree.whiteouts.add((*tree.real(parent), hidden))


def _delete_below(parent: int, name: bytes) -> None:
    """Hide what lower layers hold under ``name``; what this layer itself holds there stays, whatever the order."""
    try:
        overlay.white_out(name, dir_fd=parent)
    except FileExistsError:
        if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
            with _opened(name, parent) as directory:
                overlay.make_opaque(directory)


def _put_directory(tree: LayerTree, parent: int, names: Names, entry: TarEntry, _: tar_read.TarReader) -> None:
    name = names[-1]
    hides = False
    try:
        os.mkdir(name, entry.mode, dir_fd=parent)
    except FileExistsError:
        info = os.lstat(name, dir_fd=parent)
        if not stat.S_ISDIR(info.st_mode):
            hides = overlay.is_whiteout(info)
            os.unlink(name, dir_fd=parent)
            os.mkdir(name, entry.mode, dir_fd=parent)
    with _opened(name, parent) as directory:
        if hides:
            overlay.make_opaque(directory)
        _dress(directory, entry)
    tree.implied.discard(names)
    tree.times[names] = entry.mtime


def _put_file(tree: LayerTree, parent: int, names: Names, entry: TarEntry, reader: tar_read.TarReader) -> None:
    def make() -> None:
        file = os.open(names[-1], _NEW_FILE, entry.mode, dir_fd=parent)
        try:
            _fill(file, entry, reader)
            _dress(file, entry)
            os.utime(file, ns=(entry.mtime, entry.mtime))
        finally:
            os.close(file)

    _replacing(tree, parent, names, make)


def _fill(file: int, entry: TarEntry, reader: tar_read.TarReader) -> None:
    if entry.segments is None:
        _copy(file, entry.size, reader)
        return
    os.ftruncate(file, entry.real_size)
    for offset, length in entry.segments:
        os.lseek(file, offset, os.SEEK_SET)
        _copy(file, length, reader)


def _copy(file: int, size: int, reader: tar_read.TarReader) -> None:
    while size:
        data = reader.read(min(size, _CHUNK))
        size -= len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]


def _put_symlink(tree: LayerTree, parent: int, names: Names, entry: TarEntry, _: tar_read.TarReader) -> None:
    if not entry.link or b"\0" in entry.link:
        raise UserError("a symbolic link needs a target")
    _replacing(tree, parent, names, lambda: os.symlink(entry.link, names[-1], dir_fd=parent))
    _dress_by_name(parent, names[-1], entry)


def _put_special(tree: LayerTree, parent: int, names: Names, entry: TarEntry, _: tar_read.TarReader) -> None:
    """A device or fifo. The device 0:0 would mean «deleted» to overlayfs; containers' device rules guard the rest."""
    device = os.makedev(*entry.device) if entry.kind != tar_read.FIFO else 0
    if entry.kind == tar_read.CHARACTER and device == 0:
        raise UserError("the device 0:0 is overlayfs's mark for a deleted file")
    kind = {tar_read.CHARACTER: stat.S_IFCHR, tar_read.BLOCK_DEVICE: stat.S_IFBLK, tar_read.FIFO: stat.S_IFIFO}
    _replacing(tree, parent, names, lambda: os.mknod(names[-1], kind[entry.kind] | 0o600, device, dir_fd=parent))
    _dress_by_name(parent, names[-1], entry)
    os.chmod(names[-1], entry.mode, dir_fd=parent)


def _put_hard_link(tree: LayerTree, parent: int, names: Names, entry: TarEntry, _: tar_read.TarReader) -> None:
    target = names_of(entry.link)
    if not target or target == names:
        raise UserError("a hard link needs another file as its target")
    here = os.dup(parent)
    try:
        there = tree.open_parent(target, make=False)
        if overlay.is_whiteout(os.lstat(target[-1], dir_fd=there)):
            raise UserError("its hard link's target is a deleted file")
        _replacing(tree, here, names, lambda: _link(target[-1], there, names[-1], here))
    except FileNotFoundError:
        tree.links.append((names, target))
    finally:
        os.close(here)


def _link(target: bytes, there: int, name: bytes, here: int) -> None:
    try:
        os.link(target, name, src_dir_fd=there, dst_dir_fd=here, follow_symlinks=False)
    except PermissionError:
        raise UserError("its hard link's target is a directory") from None


def _replacing(tree: LayerTree, parent: int, names: Names, make: "Callable[[], None]") -> None:
    """Make an entry; one of the same name that came earlier in the layer goes, as in any tar."""
    try:
        make()
    except FileExistsError:
        _remove(tree, parent, names)
        make()


def _remove(tree: LayerTree, parent: int, names: Names) -> None:
    if stat.S_ISDIR(os.lstat(names[-1], dir_fd=parent).st_mode):
        deep.remove(names[-1], dir_fd=parent)
        for known in [known for known in tree.times if known[: len(names)] == names]:
            del tree.times[known]
        tree.implied -= {known for known in tree.implied if known[: len(names)] == names}
    else:
        os.unlink(names[-1], dir_fd=parent)


def _dress(target: int, entry: TarEntry) -> None:
    """Owner, mode and attributes. Mode after owner, which clears setuid; capabilities too are lost by chown(2).

    Most are as they should be already, and a change that changes nothing costs the file system as much as another.
    """
    info = os.fstat(target)
    owned = (info.st_uid, info.st_gid) == (entry.uid, entry.gid)
    if not owned:
        os.fchown(target, entry.uid, entry.gid)
    if not owned or stat.S_IMODE(info.st_mode) != entry.mode:
        os.fchmod(target, entry.mode)
    for name, value in entry.xattrs.items():
        _set_xattr(target, name, value, follow=True)


def _dress_by_name(parent: int, name: bytes, entry: TarEntry) -> None:
    os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
    os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)
    for key, value in entry.xattrs.items():
        _set_xattr(b"/proc/self/fd/%d/%s" % (parent, name), key, value, follow=False)


def _set_xattr(target: int | bytes, name: str, value: bytes, *, follow: bool) -> None:
    try:
        os.setxattr(target, name, value, follow_symlinks=follow)
    except OSError as error:
        # SELinux labels and ACLs of another system are of no use on a file system that has none
        if name == "security.capability" or error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise


def _check_xattrs(entry: TarEntry) -> None:
    for name in entry.xattrs:
        if name.startswith(overlay.ATTRIBUTES) or "\0" in name:
            raise UserError(f"the attribute {name} would steer overlayfs itself")


def names_of(path: bytes) -> Names:
    """The components of a path below the root. A leading slash means the root; climbing is refused."""
    if b"\0" in path:
        raise UserError("its name holds a zero byte")
    names = tuple(part for part in path.split(b"/") if part not in (b"", b"."))
    if b".." in names:
        raise UserError("its path climbs (..)")
    if len(names) > _MOST_COMPONENTS:
        raise UserError("its path is too deep")
    for inner in names[:-1]:
        if inner.startswith(whiteouts.PREFIX):
            raise UserError("a whiteout is not a directory")
    return names


@contextlib.contextmanager
def _opened(name: bytes, parent: int) -> Iterator[int]:
    directory = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        yield directory
    finally:
        os.close(directory)


def _explained(error: OSError, entry: TarEntry) -> HostError | UserError:
    of_the_machine = foreseen(OSError(error.errno, error.strerror))  # its path would be the entry's
    if error.errno == errno.EINVAL and (reason := ids.missing(entry.uid, entry.gid)):
        return UserError(f"layer entry {shown(entry.name)}: {reason}")
    if error.errno == errno.EPERM and entry.kind in _DEVICES and not ids.are_all():
        return UserError(f"layer entry {shown(entry.name)}: it is a device, which none but root can make")
    if isinstance(of_the_machine, HostError):
        return of_the_machine
    return UserError(f"layer entry {shown(entry.name)}: {error.strerror}")


_DEVICES = (tar_read.CHARACTER, tar_read.BLOCK_DEVICE)
_MAKERS: "dict[bytes, Callable[[LayerTree, int, Names, TarEntry, tar_read.TarReader], None]]" = {
    tar_read.REGULAR: _put_file,
    tar_read.HARD_LINK: _put_hard_link,
    tar_read.SYMLINK: _put_symlink,
    tar_read.CHARACTER: _put_special,
    tar_read.BLOCK_DEVICE: _put_special,
    tar_read.DIRECTORY: _put_directory,
    tar_read.FIFO: _put_special,
}
