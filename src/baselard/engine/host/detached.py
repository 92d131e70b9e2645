"""Mounts that are nowhere yet, attached by a descriptor: open_tree(2), fsmount(2), move_mount(2).

mount(2) goes by a path, and a path may lead elsewhere a moment later. Linux 5.12 has all the calls; Python has none.
"""

import ctypes
import os
import struct
from collections.abc import Iterable

_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _MOUNT_SETATTR = 428, 429, 430, 431, 432, 442  # everywhere
_HERE = -100  # AT_FDCWD
_EMPTY_PATH = 0x1000
_RECURSIVE = 0x8000
_CLONE, _CLOEXEC = 1, os.O_CLOEXEC
_FROM_DESCRIPTOR, _TO_DESCRIPTOR = 0x4, 0x40
_SET_STRING, _CREATE = 1, 6
_ATTRIBUTES = {"ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8}
_libc = ctypes.CDLL(None, use_errno=True)


def clone(source: str) -> int:
    """A descriptor of a mount that shows what is at ``source``, with all that is mounted below. Raises OSError."""
    return _call("open_tree", _OPEN_TREE, _HERE, os.fsencode(source), _CLONE | _RECURSIVE | _CLOEXEC)


def tmpfs(options: Iterable[tuple[str, str]]) -> int:
    """A descriptor of a new file system in memory; ``options`` as in tmpfs(5). Raises OSError."""
    context = _call("fsopen", _FSOPEN, b"tmpfs", 1)
    try:
        for name, value in (("source", "tmpfs"), *options):
            _call("fsconfig", _FSCONFIG, context, _SET_STRING, name.encode(), value.encode(), 0)
        _call("fsconfig", _FSCONFIG, context, _CREATE, None, None, 0)
        return _call("fsmount", _FSMOUNT, context, 1, 0)
    finally:
        os.close(context)


def restrict(mounted: int, words: Iterable[str]) -> None:
    """Set what ``words`` name of ``ro``, ``nosuid``, ``nodev``, ``noexec``; others say nothing here. Raises OSError."""
    chosen = sum(_ATTRIBUTES.get(word, 0) for word in words)
    if chosen:
        attributes = struct.pack("QQQQ", chosen, 0, 0, 0)
        _call("mount_setattr", _MOUNT_SETATTR, mounted, b"", _EMPTY_PATH, attributes, len(attributes))


def attach(mounted: int, place: int) -> None:
    """Mount it over the file or directory that the descriptor ``place`` stands for. Raises OSError."""
    _call("move_mount", _MOVE_MOUNT, mounted, b"", place, b"", _FROM_DESCRIPTOR | _TO_DESCRIPTOR)


def _call(name: str, number: int, *arguments: int | bytes | None) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result
