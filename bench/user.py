"""Plain users whom only the mount namespace of one command knows: nothing has to be taken back on the machine."""

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.host import process

NAME = "baselard-test"
NUMBERS = 65536
_ROOT = Path(__file__).resolve().parents[1]
_OWN = {
    "XDG_RUNTIME_DIR": "home/run",
    "XDG_CACHE_HOME": "home/.cache",
    "TMPDIR": "tmp",
}  # beside the home: all may enter
_ENTER = """
set -e
mount --make-rprivate /
for name in passwd subuid subgid; do mount --bind "$1/$name" "/etc/$name"; done
mount --bind "$1/tun" /dev/net/tun
user=$2
shift 2
exec setpriv --reuid "$user" --regid "$user" --clear-groups --inh-caps=-all -- "$@"
"""


@dataclass(frozen=True)
class User:
    """A user, and the first of their subordinate numbers; ``prefix`` makes a command of root's theirs."""

    uid: int
    first: int
    home: Path
    prefix: tuple[str, ...]

    def login(self, environ: Mapping[str, str]) -> list[str]:
        """The words that make a command theirs with places of their own, where ``environ`` names others."""
        own = {name: self.home.parent / place for name, place in _OWN.items()}
        for path in own.values():
            path.mkdir(mode=0o711 if path == own["TMPDIR"] else 0o700, exist_ok=True)
            os.chown(path, self.uid, self.uid)
        ours = {"HOME": self.home, **own}
        words = [f"{name}={value}" for name, value in {**ours, "USER": NAME, "LOGNAME": NAME}.items()]
        return [*self.prefix, "env", *(f"--unset={name}" for name in _not_theirs(environ)), *words]


def _not_theirs(environ: Mapping[str, str]) -> list[str]:
    """The variables not to hand on: where others' engines are, and what names a place in a home closed to this user."""
    others, home = ("BASELARD_STORE", "BASELARD_CACHE", "BASELARD_RUN", "SUDO_"), Path(environ.get("HOME") or "/")
    inside = f"{home}/" if not home.stat().st_mode & stat.S_IXOTH else None
    closed = {name for name, value in environ.items() if inside and name != "PATH" and value.startswith(inside)}
    return [name for name in environ if name.startswith(others) or name in closed]


def lacking() -> str:
    """Why there can be no such user here, or ""."""
    for program in ("newuidmap", "slirp4netns", "setpriv"):
        if not process.which(program):
            return f"needs {program}: apt-get install uidmap slirp4netns util-linux"
    return closed()


def closed() -> str:
    """Why other users can run nothing of this checkout, or ""."""
    for path in (_ROOT, Path(sys.executable).resolve()):
        for place in (path, *path.parents):
            if not place.stat().st_mode & stat.S_IXOTH:
                return f"other users may not enter {place}, where this checkout is"
    return ""


def made(place: Path, uid: int, first: int, numbers: int = NUMBERS) -> User:
    """A user with a home in ``place``, which is theirs to enter, and with so many subordinate numbers."""
    home = place / "home"
    home.mkdir(mode=0o700)
    os.chown(home, uid, uid)
    row = f"{NAME}:{first}:{numbers}\n" if numbers else ""
    known = Path("/etc/passwd").read_text()
    tables = {"passwd": f"{known}{NAME}:x:{uid}:{uid}::{home}:/bin/sh\n", "subuid": row, "subgid": row}
    for name, text in tables.items():
        place.joinpath(name).write_text(text)
        Path("/etc", name).touch()
    os.mknod(place / "tun", stat.S_IFCHR | 0o666, os.makedev(10, 200))
    place.joinpath("tun").chmod(0o666)  # as udev has it, whatever the umask
    return User(uid, first, home, ("unshare", "--mount", "sh", "-c", _ENTER, "sh", str(place), str(uid)))
