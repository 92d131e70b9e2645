"""Control groups that the OCI runtime can write: inside a CI container they are mounted read-only, or not at all."""

import os
from collections.abc import Iterator
from pathlib import Path

from baselard.engine.store import ids, mounting

_ROOT = Path("/sys/fs/cgroup")
_MS_REMOUNT, _MS_BIND = 0x20, 0x1000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8
_FLAGS = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC


def make_writable() -> str:
    """Mount this process's control groups writable, in its own mount namespace; what is in the way, or "".

    Call after ``snapshot.private_namespace``; nothing is done where all is well, nor in a user namespace, where runc
    does without.
    """
    if not ids.are_all():
        return ""
    try:
        mounts = list(_mounts(Path("/proc/self/mountinfo").read_text()))
        for target, options in mounts:
            if "ro" in options:
                mounting.mount("none", target, "", _MS_REMOUNT | _MS_BIND | _FLAGS)
        if not mounts:
            mounting.mount("cgroup2", _ROOT, "cgroup2", _FLAGS)
    except OSError as error:
        return (
            f"control groups cannot be mounted writable ({error.strerror}), so containers will not start: "
            "run this container with --cap-add SYS_ADMIN --security-opt apparmor=unconfined"
        )
    return ""


def are_ours() -> bool:
    """Whether this process may make control groups, which a plain user may not."""
    return ids.are_all() or os.access(_ROOT, os.W_OK)


def has(controller: str) -> bool:
    """Whether this machine's control groups can limit that, such as ``pids`` (cgroups(7); of either version)."""
    if not are_ours():
        return False
    try:
        return controller in (_ROOT / "cgroup.controllers").read_text().split()
    except OSError:
        return (_ROOT / controller).is_dir()


def _mounts(mountinfo: str) -> Iterator[tuple[Path, list[str]]]:
    """The mounts of control groups with their own options (proc(5), /proc/pid/mountinfo), those above first."""
    for line in mountinfo.splitlines():
        own, _, rest = line.partition(" - ")
        fields = own.split()
        target = Path(fields[4])
        if rest.split()[0] in ("cgroup", "cgroup2") or target == _ROOT:
            yield target, fields[5].split(",")
