"""Copies a directory that others change meanwhile, by descriptors: no name is ever looked up through a link.

What is no file, directory or link stays behind. Owners do not come along, and hard links become files of their own.
"""

import contextlib
import os
import stat
from collections.abc import Iterator

from baselard.engine.errors import UserError
from baselard.engine.files.file_bytes import copy_opened
from baselard.engine.solver import cancel

_DEEPEST = 200


def take_tree(place: int, target: str, *, without: frozenset[int] = frozenset()) -> None:
    """Copy what is in the directory that the descriptor ``place`` is into the new directory ``target``.

    Directories on the devices ``without`` are left out. What goes while it is read is left out, too. Raises UserError
    for directories that lie deeper in each other than anybody needs: each takes a descriptor while it is read.
    """
    os.mkdir(target, 0o700)
    modes = [(target, os.fstat(place))]
    called_off = cancel.current()
    for above, directories, files, opened in os.fwalk(".", dir_fd=place, follow_symlinks=False):
        called_off.check()
        if above.count("/") >= _DEEPEST:
            raise UserError(f"{above[:80]}…: directories lie more than {_DEEPEST} deep in each other")
        here = os.path.normpath(f"{target}/{above}")
        directories[:] = [name for name, info in _infos(directories, opened) if info.st_dev not in without]
        for name, info in _infos([*directories, *files], opened):
            if stat.S_ISDIR(info.st_mode):
                os.mkdir(f"{here}/{name}", 0o700)
                modes.append((f"{here}/{name}", info))
            else:
                _take(name, opened, f"{here}/{name}", info)
    for path, info in reversed(modes):
        _dress(path, info)


def take_file(place: int, target: str) -> None:
    """Copy the regular file opened as ``place`` to the new file ``target``, with its permissions and time."""
    copy_opened(place, target)
    _dress(target, os.fstat(place))


def _infos(names: list[str], opened: int) -> Iterator[tuple[str, os.stat_result]]:
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            yield name, os.stat(name, dir_fd=opened, follow_symlinks=False)


def _take(name: str, opened: int, target: str, info: os.stat_result) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISLNK(info.st_mode):
            os.symlink(os.readlink(name, dir_fd=opened), target)
        elif stat.S_ISREG(info.st_mode):
            place = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=opened)
            try:
                if stat.S_ISREG(os.fstat(place).st_mode):
                    take_file(place, target)
            finally:
                os.close(place)


def _dress(path: str, info: os.stat_result) -> None:
    os.chmod(path, stat.S_IMODE(info.st_mode))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
