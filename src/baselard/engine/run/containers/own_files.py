"""A running container's files, opened from outside and never outside of it: what its nested session calls the host.

Each path is looked up below the container's root, in the container's own mount namespace, so that neither a link nor a
program that exchanges directories meanwhile leads anywhere else.
"""

import contextlib
import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from baselard.engine.errors import UserError
from baselard.engine.files import inside
from baselard.engine.run.containers.runtime import OciContainer

_OF_THE_KERNEL = ("/proc", "/sys")  # what these tell is this machine's


@dataclass
class Inside:
    """A container as its own programs see it; ``container`` is known once it is about to start.

    ``network`` is the path of its network namespace. Paths are relative to ``cwd``, and ``~`` is ``home``.
    """

    network: str
    cwd: str
    home: str
    container: OciContainer | None = None

    def started(self, container: OciContainer) -> None:
        """Note what is about to run."""
        self.container = container

    def absolute(self, path: str) -> str:
        """``path`` as the container's programs mean it."""
        if path == "~" or path.startswith("~/"):
            path = self.home + path[1:]
        return posixpath.join("/", self.cwd, path)

    @contextlib.contextmanager
    def directory(self, path: str) -> Iterator[tuple[int, frozenset[int]]]:
        """A descriptor of the directory ``path``, and the devices in it that hold no files but what the kernel tells.

        Raises UserError when there is no such directory, or the kernel's own is asked for.
        """
        with self._opened(path) as (place, unreadable):
            if not stat.S_ISDIR(os.fstat(place).st_mode):
                raise UserError(f"path {path} is a file, not a directory")
            yield place, unreadable

    @contextlib.contextmanager
    def file(self, path: str) -> Iterator[int]:
        """A descriptor to read the regular file ``path`` by. Raises UserError when there is no such file."""
        with self._opened(path) as (place, _), contextlib.ExitStack() as stack:
            mode = os.fstat(place).st_mode
            if not stat.S_ISREG(mode):
                kind = "a directory, not a file" if stat.S_ISDIR(mode) else "not a regular file"
                raise UserError(f"path {path} is {kind}")
            opened = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, opened)
            yield opened

    @contextlib.contextmanager
    def _opened(self, path: str) -> Iterator[tuple[int, frozenset[int]]]:
        with contextlib.ExitStack() as stack:
            root = self._root(stack)
            kernels = {_device(root, name) for name in _OF_THE_KERNEL} - {os.fstat(root).st_dev}
            place = _open_in(root, self.absolute(path))
            stack.callback(os.close, place)
            if os.fstat(place).st_dev in kernels:
                raise UserError(f"path {path} is the kernel's, and no file of the container")
            yield place, frozenset(kernels)

    def _root(self, stack: contextlib.ExitStack) -> int:
        """The container's root as its first process has it. Raises UserError when the container has ended.

        A directory of /proc stands for one process, and never for a later one of the same number.
        """
        try:
            flags = os.O_DIRECTORY | os.O_CLOEXEC
            process = os.open(f"/proc/{self.container.pid if self.container else 0}", os.O_RDONLY | flags)
            stack.callback(os.close, process)
            root = os.open("root", os.O_PATH | flags, dir_fd=process)
            stack.callback(os.close, root)
            network, mounts = (os.stat(f"ns/{name}", dir_fd=process) for name in ("net", "mnt"))
        except OSError as error:
            raise UserError("the container whose file is asked for has ended") from error
        same = os.path.samestat(network, os.stat(self.network))
        if not same or os.path.samestat(mounts, os.stat("/proc/self/ns/mnt")):
            raise UserError("the container whose file is asked for has ended")
        return root


def _device(root: int, path: str) -> int:
    try:
        place = _open_in(root, path)
    except UserError:
        return os.fstat(root).st_dev
    try:
        return os.fstat(place).st_dev
    finally:
        os.close(place)


def _open_in(root: int, path: str) -> int:
    try:
        return inside.found(root, path)
    except OSError as error:
        reason = os.strerror(error.errno or errno.ENOENT).lower()
        raise UserError(f"lstat {path}: {reason} inside the container") from error
