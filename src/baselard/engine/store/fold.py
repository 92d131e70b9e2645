"""What a layer's directory says to overlayfs, and small steps on directories that keep their looks.

Rules of the kernel's Documentation/filesystems/overlayfs.rst: a character device 0:0 hides what is below, a directory
with ``trusted.overlay.opaque=y`` hides what lower directories of its name hold.
"""

import os
import shutil
import stat
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
