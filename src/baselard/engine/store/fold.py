"""Folds stacked overlayfs layers into one directory of hard links: the same tree, one lower directory.

Rules of the kernel's Documentation/filesystems/overlayfs.rst: a character device 0:0 hides what is below, a directory
with ``trusted.overlay.opaque=y`` hides what lower directories of its name hold.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

_OPAQUE = "trusted.overlay.opaque"


def is_whiteout(info: os.stat_result) -> bool:
    """Whether this entry of an upper directory says «deleted»."""
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def is_opaque(path: Path | str) -> bool:
    """Whether this directory of an upper directory replaces the one below instead of joining it."""
    try:
        return os.getxattr(path, _OPAQUE, follow_symlinks=False) == b"y"
    except OSError:
        return False


def layers(sources: Sequence[Path], target: Path) -> None:
    """Make ``target`` the tree that ``sources``, lowest first, make together. They must be on one file system."""
    target.mkdir()
    for source in sources:
        _apply(os.fspath(source), os.fspath(target))


def _apply(source: str, target: str) -> None:
    for entry in os.scandir(source):
        _apply_entry(entry, f"{target}/{entry.name}")
    copy_attributes(source, target)


def _apply_entry(entry: "os.DirEntry[str]", goal: str) -> None:
    info = entry.stat(follow_symlinks=False)
    if not stat.S_ISDIR(info.st_mode):
        remove(goal)
        if not is_whiteout(info):
            os.link(entry.path, goal, follow_symlinks=False)
        return
    if is_opaque(entry.path) or not stat.S_ISDIR(_mode(goal)):
        remove(goal)
    if not _mode(goal):
        os.mkdir(goal)
    _apply(entry.path, goal)


def copy_attributes(source: str, target: str) -> None:
    """Give the directory ``target`` the owner, mode, times and extended attributes of ``source``."""
    info = os.stat(source)
    os.chown(target, info.st_uid, info.st_gid)
    os.chmod(target, stat.S_IMODE(info.st_mode))
    for name in os.listxattr(source):
        if not name.startswith("trusted.overlay."):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))


def remove(path: str) -> None:
    """Remove whatever is there, if anything."""
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        shutil.rmtree(path)
    elif mode:
        os.unlink(path)


def _mode(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return 0
