"""A user namespace in which a plain user's process is root: it may mount, and its files have many owners.

Whoever has a range of subordinate numbers (subuid(5)) gets it mapped by newuidmap(1) behind root; without one, root is
the only user there is. Everything else of the engine works inside as it does for the machine's root.
"""

import contextlib
import ctypes
import os
import pwd
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import HostError
from baselard.engine.host import apparmor, privilege, process
from baselard.engine.store import ids

_CLONE_NEWUSER = 0x10000000
_LOWEST, _USUAL = 100_000, 65_536  # SUB_UID_MIN and SUB_UID_COUNT of login.defs(5)
_NEEDED = 65535
"""How many numbers an image may use beside root's."""
_MOST = Path("/proc/sys/user/max_user_namespaces")
_SWITCH = Path("/proc/sys/kernel/unprivileged_userns_clone")  # Debian's and Arch's kernels
_THREADS = Path("/proc/self/task")
_ENDING = 5.0  # seconds that a thread which was joined may take to leave the kernel, too
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Offer:
    """A way to be root of a user namespace. ``uids`` and ``gids`` are ranges, first number and length, behind root.

    There are none where root is to be alone; ``lacks`` says why, unless that was asked for.
    """

    uids: tuple[tuple[int, int], ...] = ()
    gids: tuple[tuple[int, int], ...] = ()
    lacks: str = ""

    @property
    def single(self) -> bool:
        return not self.uids


def offer(*, single: bool = False) -> Offer:
    """What this machine offers the user of this process; with ``single`` no more than that. Raises HostError for what
    forbids any user namespace."""
    if refused := forbidden():
        raise HostError(refused)
    if single:
        return Offer()
    if lacks := lacking():
        return Offer(lacks=lacks)
    return Offer(_subordinate("uid"), _subordinate("gid"))


def forbidden() -> str:
    """Why a plain user gets no user namespace here, with the remedy, or ""."""
    if _read(_MOST) == "0":
        return "this kernel gives out no user namespaces; as root: sysctl -w user.max_user_namespaces=15000"
    if _read(_SWITCH) == "0":
        return "this kernel gives plain users no namespaces; as root: sysctl -w kernel.unprivileged_userns_clone=1"
    if apparmor.stops_this():
        return (
            "AppArmor lets plain users have no user namespace (kernel.apparmor_restrict_unprivileged_userns); "
            "`sudo baselard setup --rootless` installs a profile that lets this program alone have them"
        )
    return ""


def enter(wanted: Offer) -> None:
    """Make this process root of a new user namespace. Call while it has one thread. Raises HostError."""
    uid, gid = os.geteuid(), os.getegid()
    with _mapper(wanted) as mapped:
        _await_ended_threads()
        if _libc.unshare(_CLONE_NEWUSER):
            raise HostError(
                f"the engine needs root, or CAP_SYS_ADMIN in a container (--cap-add SYS_ADMIN), to mount file systems; "
                f"a user namespace cannot be made either: {os.strerror(ctypes.get_errno())}"
            )
        mapped()
    if wanted.single:
        _map_one(uid, gid)
    ids.mapped.cache_clear()
    for name in ("SUDO_UID", "SUDO_GID"):  # whoever that was, root here is this user
        os.environ.pop(name, None)


def _await_ended_threads() -> None:
    """A thread is joined a moment before the kernel has forgotten it, and gives no user namespace until then."""
    deadline = time.monotonic() + _ENDING
    while len(os.listdir(_THREADS)) > 1 and time.monotonic() < deadline:
        time.sleep(0.001)


@contextlib.contextmanager
def _mapper(wanted: Offer) -> Iterator[Callable[[], None]]:
    """What has the ranges mapped once this process has its namespace: programs that were started outside of it."""
    if wanted.single:
        yield lambda: None
        return
    rows = ((os.getuid(), wanted.uids), (os.getgid(), wanted.gids))
    words = [" ".join(map(str, (os.getpid(), 0, own, 1, *_mapping(ranges)))) for own, ranges in rows]
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as end, os.fdopen(writing, "wb") as begin:
        child = process.spawn(["sh", "-c", "read _ && newuidmap $0 && newgidmap $1", *words], stdin=end)

        def mapped() -> None:
            begin.write(b"go\n")
            begin.flush()
            _, said = child.communicate()
            if child.returncode:
                raise HostError(f"the subordinate numbers cannot be mapped: {said.decode(errors='replace').strip()}")

        with child:
            try:
                yield mapped
            finally:
                begin.close()


def _mapping(ranges: Sequence[tuple[int, int]]) -> Iterator[int]:
    inside = 1
    for first, length in ranges:
        yield from (inside, first, length)
        inside += length


def _map_one(uid: int, gid: int) -> None:
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def lacking() -> str:
    """Why this user has no other numbers, with the remedy, or ""."""
    for kind in ("uid", "gid"):
        if sum(length for _, length in _subordinate(kind)) < _NEEDED:
            add = f"usermod --add-sub{kind}s {_unused(kind)} {_name()}"
            return f"/etc/sub{kind} gives {_name()} no {_NEEDED} numbers; as root: {add}"
    if not (process.which("newuidmap") and process.which("newgidmap")):
        return "newuidmap is not installed; as root: apt-get install uidmap"
    return ""


def _subordinate(kind: str) -> tuple[tuple[int, int], ...]:
    """The ranges of this user in /etc/subuid or /etc/subgid, whose first field is a name or a number (subuid(5))."""
    owners = (_name(), str(os.getuid()))
    return tuple((first, length) for owner, first, length in _rows(kind) if owner in owners)


def _unused(kind: str) -> str:
    """A range behind all that somebody has, as usermod(8) takes it."""
    first = max([_LOWEST, *(first + length for _, first, length in _rows(kind))])
    return f"{first}-{first + _USUAL - 1}"


def _rows(kind: str) -> Iterator[tuple[str, int, int]]:
    """Everybody's ranges: the owner, the first number, how many."""
    for line in _read(Path(f"/etc/sub{kind}")).splitlines():
        if row := re.fullmatch(r"([^:]+):([0-9]{1,10}):([0-9]{1,10})", line.strip()):
            yield row[1], int(row[2]), int(row[3])


def _name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def wanted(environ: Mapping[str, str]) -> bool | None:
    """Whether the user asked for it (BASELARD_ROOTLESS, BASELARD_USERNS), refused it, or left it open.

    Raises HostError for another value.
    """
    if environ.get("BASELARD_USERNS") == "single":
        return True
    said = environ.get("BASELARD_ROOTLESS", "")
    if said not in ("", "0", "1"):
        raise HostError(f"BASELARD_ROOTLESS={said}: there is 1, as --rootless, and 0, as --no-rootless")
    return {"1": True, "0": False}.get(said)


def chosen(environ: Mapping[str, str]) -> Offer | None:
    """The way to take: what is offered here, or None for root's own, by sudo if need be.

    Whoever may mount needs none of it. Left open, the choice is a user namespace with a range, else sudo where there is
    one, else a single user. Raises HostError for what was asked for and cannot be.
    """
    asked = wanted(environ)
    if asked is False or privilege.may_mount():
        if asked:
            raise HostError("--rootless is for plain users: this process may mount without it")
        return None
    try:
        found = offer(single=environ.get("BASELARD_USERNS") == "single")
    except HostError:
        if asked or not privilege.sudo():
            raise
        return None
    return None if found.single and not asked and privilege.sudo() else found


def is_sudo(environ: Mapping[str, str]) -> bool:
    """Whether the way to take is another process, which sudo starts as root."""
    try:
        return not privilege.may_mount() and bool(privilege.sudo()) and chosen(environ) is None
    except HostError:  # which tells that there is no way
        return False
