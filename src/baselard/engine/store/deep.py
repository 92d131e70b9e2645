"""Trees however deep: a program makes directories in each other by the thousand, longer than any path may be.

Python's own ``os.walk`` and ``shutil.rmtree`` go a call, or a descriptor, deeper for each of them (up to Python 3.11
and 3.13), and so end in an error, time and again for whoever is to tidy up.
"""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

_LEVELS = 300

Listed = tuple[str, list[str], list[str]]
"""A directory, and the names of directories and of others in it, as ``os.walk`` gives them."""


def walk(top: str | Path, *, topdown: bool = True) -> Iterator[Listed]:
    """As ``os.walk``: no link is followed, what cannot be read is passed over, and so is what no path leads to."""
    todo: list[str | Listed] = [os.fspath(top)]
    while todo:
        here = todo.pop()
        if not isinstance(here, str):
            yield here
            continue
        directories, others = _names(here)
        if topdown:
            yield here, directories, others
        else:
            todo.append((here, directories, others))
        below = (os.path.join(here, name) for name in reversed(directories))
        todo += [path for path in below if not os.path.islink(path)]


def _names(directory: str) -> tuple[list[str], list[str]]:
    directories: list[str] = []
    others: list[str] = []
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            (directories if _is_directory(entry) else others).append(entry.name)
    return directories, others


def _is_directory(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link whose target is no name
        return False


def remove(path: str | bytes | Path, *, ignore_errors: bool = False, dir_fd: int | None = None) -> None:
    """As ``shutil.rmtree``, whatever the depth."""
    while True:
        try:
            shutil.rmtree(path, ignore_errors, dir_fd=dir_fd)
            if not (ignore_errors and _is_there(path, dir_fd)):
                return
        except RecursionError:
            pass
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
        if not _made_flatter(path, dir_fd):
            return


def _is_there(path: str | bytes | Path, dir_fd: int | None) -> bool:
    try:
        os.lstat(path, dir_fd=dir_fd)
    except OSError:
        return False
    return True


def _made_flatter(path: str | bytes | Path, dir_fd: int | None) -> bool:
    """Move what lies below so many levels to the top; whether there was anything."""
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
    moved = False
    try:
        for above, names, _, here in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            if above.count("/") >= _LEVELS:
                for name in names:
                    os.rename(name, f".{secrets.token_hex(16)}", src_dir_fd=here, dst_dir_fd=top)
                    moved = True
                names.clear()
    finally:
        os.close(top)
    return moved
