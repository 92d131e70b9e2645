"""Network namespaces held by nothing but an open file: whatever kills the engine takes them along, veth and all."""

import contextvars
import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from baselard.engine.errors import HostError

T = TypeVar("T")
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_FILES = ("ns/net", "net/sockstat")
_PAGE = 4096
_libc = ctypes.CDLL(None, use_errno=True)


class Within(Protocol):
    """A caller of functions in some network."""

    def __call__(self, function: Callable[[], T]) -> T:
        """Call ``function`` there; gives what it returns."""


@dataclass(frozen=True)
class Namespace:
    """A network namespace; ``address`` is "" while it has but its loopback. ``name`` is unique in this process.

    ``sockets`` is its /proc/net/sockstat, open.
    """

    fd: int
    name: str
    sockets: int
    address: str = ""

    @property
    def path(self) -> str:
        """How other programs open it while this process lives."""
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def close(self) -> None:
        """Let go of it; the kernel removes it and its interfaces when the last process in it is gone."""
        os.close(self.sockets)
        os.close(self.fd)


def create(name: str) -> Namespace:
    """A new namespace with its loopback up, ports below 1024 open to everybody and ping allowed, as Docker sets it."""

    def make() -> Namespace:
        if _libc.unshare(_CLONE_NEWNET):
            raise HostError(f"a network namespace cannot be made: {os.strerror(ctypes.get_errno())}; run as root")
        _raise_loopback()
        _sysctl("net/ipv4/ip_unprivileged_port_start", "0")
        _sysctl("net/ipv4/ping_group_range", "0 2147483647")
        return _held(name)

    return _in_new_thread(make)


def own() -> Namespace:
    """The namespace that this process runs in: the machine's network."""
    return _held("own")


def inside(namespace: Namespace, function: Callable[[], T]) -> T:
    """What ``function`` returns when it runs inside the namespace (a socket made there stays there).

    It is called off as its caller is: its thread has the caller's context.
    """

    def enter() -> T:
        if _libc.setns(namespace.fd, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        return function()

    return _in_new_thread(partial(contextvars.copy_context().run, enter))


def is_pristine(namespace: Namespace) -> bool:
    """Whether no TCP socket, not even one in TIME_WAIT, is left inside (proc(5), net/sockstat)."""
    words = os.pread(namespace.sockets, _PAGE, 0).split()
    start = words.index(b"TCP:")
    return words[start + 2] == b"0" and words[start + 6] == b"0"  # TCP: inuse N orphan N tw N …


def _held(name: str) -> Namespace:
    """The namespace that this thread is in."""
    fd, sockets = (os.open(f"/proc/thread-self/{file}", os.O_RDONLY | os.O_CLOEXEC) for file in _FILES)
    return Namespace(fd, name, sockets)


def _in_new_thread(function: Callable[[], T]) -> T:
    """Run in a thread that ends afterwards: its namespace is not the process's any more."""
    outcome: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            outcome.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=body, name="netns")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


def _sysctl(name: str, value: str) -> None:
    try:
        Path("/proc/sys", name).write_text(value)
    except OSError:
        return  # kernels without the setting
