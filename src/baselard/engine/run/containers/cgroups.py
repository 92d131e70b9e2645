"""Control groups that the OCI runtime can write: inside a CI container they are mounted read-only, or not at all.

And the removal of those that a runtime which was killed has left.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from baselard.engine.store import ids, mounting

_ROOT = Path("/sys/fs/cgroup")
_UNIFIED = _ROOT / "unified"
_PREFIX = "baselard-"
_PATIENCE = 2.0  # seconds for the kernel to take killed processes apart
_OLD = 60.0  # seconds; a younger one may have been made for a program that has not entered it yet
_MS_REMOUNT, _MS_BIND = 0x20, 0x1000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_ahead = ThreadPoolExecutor(1, "cgroup")
_FLAGS = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC


def make_writable() -> str:
    """Mount this process's control groups writable, in its own mount namespace; what is in the way, or "".

    Call after ``snapshot.private_namespace``; nothing is done where all is well. In a user namespace containers do
    without.
    """
    if not ids.are_all():
        with contextlib.suppress(OSError):  # runc runs them there
            _hide_from_crun()
        return ""
    try:
        mounts = list(_mounts(Path("/proc/self/mountinfo").read_text()))
        for target, options in mounts:
            if "ro" in options:
                mounting.mount("none", target, "", _MS_REMOUNT | _MS_BIND | _FLAGS)
        if not mounts:
            mounting.mount("cgroup2", _ROOT, "cgroup2", _FLAGS)
        elif unlike_crun():
            _leave_unified_out()
    except OSError as error:
        return (
            f"control groups cannot be mounted writable ({error.strerror}), so containers will not start: "
            "run this container with --cap-add SYS_ADMIN --security-opt apparmor=unconfined"
        )
    return ""


def are_ours() -> bool:
    """Whether this process may make control groups, which a plain user may not."""
    return ids.are_all() or os.access(_ROOT, os.W_OK)


def expect() -> None:
    """Have the kernel ready, in the background, for a program that soon is put into a group.

    It waits until each processor has come by once (an RCU grace period: 8 to 12 ms at 250 Hz), and then as long again
    lets others in without waiting. Putting this process where it is changes nothing else.
    """
    if are_ours():
        _ahead.submit(_enter_own)


def _enter_own() -> None:
    with contextlib.suppress(OSError):  # then the runtime waits
        _own(Path("/proc/self/cgroup").read_text()).write_text("0")


def _own(text: str) -> Path:
    """The members of this process's own group, of either version; ``text`` is of /proc/self/cgroup (cgroups(7))."""
    rows = (line.split(":", 2) for line in text.splitlines())
    paths = {controllers: path.lstrip("/") for _, controllers, path in rows}
    return _ROOT / (f"pids/{paths['pids']}" if "pids" in paths else paths.get("", "")) / "cgroup.procs"


def unlike_crun() -> str:
    """Why crun keeps no control groups here, or "": it refuses a machine where both versions have some."""
    try:
        both = (_UNIFIED / "cgroup.controllers").read_text().strip()
    except OSError:
        return ""
    return f"control groups of both versions are mounted ({both} in {_UNIFIED})" if both else ""


def _hide_from_crun() -> None:
    """See no group of the second version where crun would refuse both; none is there to be written in any case."""
    if unlike_crun():
        _leave_unified_out()
        mounting.mount("none", _ROOT, "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _FLAGS)


def _leave_unified_out() -> None:
    """See the groups of the first version alone, which have the limits; in this process's own mount namespace."""
    old = os.open(_ROOT, os.O_PATH)
    names = [name for name in os.listdir(_ROOT) if name != _UNIFIED.name]
    links = {name: os.readlink(_ROOT / name) for name in names if (_ROOT / name).is_symlink()}
    mounting.mount("tmpfs", _ROOT, "tmpfs", _FLAGS, "size=64k,mode=755")
    try:
        for name in names:
            if name in links:
                os.symlink(links[name], _ROOT / name)
            else:
                (_ROOT / name).mkdir()
                mounting.mount(f"/proc/self/fd/{old}/{name}", _ROOT / name, "", _MS_BIND)
    except OSError:
        mounting.unmount(_ROOT)
        raise
    finally:
        os.close(old)


def has(controller: str) -> bool:
    """Whether this machine's control groups can limit that, such as ``pids`` (cgroups(7); of either version)."""
    if not are_ours():
        return False
    try:
        return controller in (_ROOT / "cgroup.controllers").read_text().split()
    except OSError:
        return (_ROOT / controller).is_dir()


def path(container: str) -> str:
    """The control group of the container of that name, as the OCI runtime's configuration has it."""
    return f"/{_PREFIX}{container}"


def end(containers: str) -> None:
    """Kill what is in the control groups of the containers whose names match a pattern, and remove them."""
    deadline = time.monotonic() + _PATIENCE
    for place in [place for top in _tops() for place in top.glob(path(containers)[1:])]:
        while not _gone(place) and time.monotonic() < deadline:
            for number in _members(place):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.01)


def sweep() -> None:
    """Remove the empty ones that nobody knows of any more, as of an engine whose run directory is gone too."""
    before = time.time() - _OLD
    for place in (group for top in _tops() for group in top.glob(f"{_PREFIX}*-*")):
        with contextlib.suppress(FileNotFoundError):
            if place.stat().st_mtime < before:
                _gone(place)


def _tops() -> list[Path]:
    """Where groups are, one of each hierarchy."""
    return [target for target, _ in _mounts(Path("/proc/self/mountinfo").read_text()) if os.access(target, os.W_OK)]


def _members(place: Path) -> Iterator[int]:
    for procs in place.glob("**/cgroup.procs"):
        with contextlib.suppress(OSError):  # the group is gone
            yield from map(int, procs.read_text().split())


def _gone(place: Path) -> bool:
    """Whether it is not there any more, with the groups below it: the kernel removes those that no process is in."""
    for directory, *_ in os.walk(place, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(directory)
    return not place.exists()


def _mounts(mountinfo: str) -> Iterator[tuple[Path, list[str]]]:
    """The mounts of control groups with their own options (proc(5), /proc/pid/mountinfo), those above first."""
    for line in mountinfo.splitlines():
        own, _, rest = line.partition(" - ")
        fields = own.split()
        target = Path(fields[4])
        if rest.split()[0] in ("cgroup", "cgroup2") or target == _ROOT:
            yield target, fields[5].split(",")
