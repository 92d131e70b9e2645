"""The kind of a process: all that a call would inherit of it and that cannot be handed over to another.

Only calls of one kind share an engine: those of one Baselard, Python, user, group, container, sandbox and so on. Loads
no more than an interpreter has anyway, since every call begins here.
"""

import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping

from baselard.engine.host import runroot

_STATUS = ("Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp", "Cpus_allowed", "Mems_allowed")
_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
_FILES = ("cgroup", "limits", "oom_score_adj", "timerslack_ns", "attr/current")
KEPT = ("LANG", "LC_", "LD_", "PYTHON", "SUDO_", "GLIBC_", "MALLOC_")
"""Beginnings of variables that count when a process starts; an engine of a kind starts with these."""
_CREDENTIALS = struct.Struct("3i")
_CAP_SYS_ADMIN = 21
_NO_NEW_PRIVILEGES = "NoNewPrivs:\t1"


def is_shared() -> bool:
    """Whether this process can share an engine. Raises OSError where the kernel does not tell.

    It can where it becomes no other process before it works, as sudo starts one, and is in no sandbox, which may be of
    kinds that cannot be seen.
    """
    status = _read("status")
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    return _NO_NEW_PRIVILEGES not in status and bool(effective >> _CAP_SYS_ADMIN & 1 or _keeps_its_process())


def of_this_process() -> bytes:
    """The kind of this process. Raises OSError where the kernel does not tell."""
    told = (*_program(), *_process(_read("status")), *_variables(os.environ))
    return "\n".join(told).encode("utf-8", "surrogateescape")


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Those of ``environ`` that count when a process starts."""
    return {name: environ[name] for name in sorted(environ) if name.startswith(KEPT)}


def place(environ: Mapping[str, str]) -> str:
    """The directory of all resident engines of whoever has this environment."""
    return os.path.join(runroot.place(environ), f"resident-{os.geteuid()}")


def is_own(channel: socket.socket) -> bool:
    """Whether the process at the other end of a socket is this user's."""
    return peer(channel)[1] == os.geteuid()


def peer(channel: socket.socket) -> tuple[int, int, int]:
    """The process at the other end of a socket, its user and its group (SO_PEERCRED, unix(7))."""
    told: tuple[int, int, int] = _CREDENTIALS.unpack(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return told


def _keeps_its_process() -> bool:
    """Whether a process that may not mount works as it is: as root of a user namespace, which it enters itself."""
    from baselard.engine.host import privilege  # root's calls need not know

    if not privilege.sudo():
        return True
    from baselard.engine.host import rootless  # takes as long to load as all else

    return not rootless.is_sudo(os.environ)


def _program() -> Iterator[str]:
    info = os.stat(sys.executable)
    yield f"{sys.version} {sys.executable} {info.st_dev} {info.st_ino} {info.st_mtime_ns}"
    yield f"{__file__} {sys.flags.isolated} {sys.flags.utf8_mode} {sys.flags.dev_mode}"


def _process(status: str) -> Iterator[str]:
    yield from (line for line in status.splitlines() if line.startswith(_STATUS))
    known = (f"/proc/self/ns/{name}" for name in _NAMESPACES)
    yield from (os.readlink(path) for path in known if os.path.lexists(path))
    root = os.stat("/")
    yield f"{root.st_dev} {root.st_ino} {os.getpriority(os.PRIO_PROCESS, 0)} {os.sched_getscheduler(0)}"
    yield from map(_read, _FILES)


def _variables(environ: Mapping[str, str]) -> Iterator[str]:
    return (f"{name}={value}" for name, value in variables(environ).items())


def _read(name: str) -> str:
    try:
        with open(f"/proc/self/{name}", encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        if name == "status":
            raise
        return ""  # not every kernel has all of them
