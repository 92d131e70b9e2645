"""Engines of a plain user: somebody without privileges, whom only this test's mount namespace knows."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from baselard.engine.host import process
from tests.integration.engine.conftest import PROGRAMS, ROOT, Client
from tests.workers import NUMBER

# Nobody else's, of the processes that run tests neither: what is left of a user is looked for by number.
UID, FIRST = 54400 + NUMBER, 2_000_000_000 + 65536 * NUMBER
NAME = "baselard-test"
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
class Person:
    """A user with a home of theirs; ``prefix`` makes a command theirs."""

    home: Path
    prefix: tuple[str, ...]

    def engine(self, name: str = "engine", **variables: str) -> Client:
        """An engine process of theirs, whose store is below their home."""
        place = self.home / name
        place.mkdir(exist_ok=True)
        os.chown(place, UID, UID)
        return Client(place, self._with(variables))

    def run(self, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command line of theirs to its end, with the store at home."""
        given = {"PYTHONPATH": str(ROOT), **variables}
        for name in ("BASELARD_STORE", "BASELARD_CACHE", "BASELARD_RUN", "XDG_RUNTIME_DIR"):
            given.setdefault(name, "")
        command = [*self._with(given), sys.executable, "-m", "baselard.cli", *words]
        return subprocess.run(command, cwd=self.home, capture_output=True, text=True, timeout=120, check=False)

    def _with(self, variables: dict[str, str]) -> tuple[str, ...]:
        given = {"HOME": str(self.home), **variables}
        return (*self.prefix, "env", *(f"{key}={value}" for key, value in given.items()))


@pytest.fixture
def person(_own_mounts: None) -> Iterator[Callable[..., Person]]:
    """Makes a user, with so many subordinate numbers."""
    for program in ("newuidmap", "slirp4netns", "setpriv"):
        if not process.which(program):
            pytest.skip(f"needs {program}: apt-get install uidmap slirp4netns util-linux")
    for path in (ROOT, Path(sys.executable).resolve()):
        if closed := [one for one in (path, *path.parents) if not one.stat().st_mode & stat.S_IXOTH]:
            pytest.skip(f"other users may not enter {closed[0]}, where this checkout is")
    with tempfile.TemporaryDirectory(prefix="rootless-", dir="/var/tmp") as name:
        places = Path(name)
        places.chmod(0o755)
        yield lambda numbers=65536: _made(places, numbers)


def _made(places: Path, numbers: int) -> Person:
    home = places / "home"
    home.mkdir(mode=0o700)
    os.chown(home, UID, UID)
    row = f"{NAME}:{FIRST}:{numbers}\n" if numbers else ""
    known = Path("/etc/passwd").read_text()
    tables = {"passwd": f"{known}{NAME}:x:{UID}:{UID}::{home}:/bin/sh\n", "subuid": row, "subgid": row}
    for name, text in tables.items():
        places.joinpath(name).write_text(text)
        Path("/etc", name).touch()
    os.mknod(places / "tun", stat.S_IFCHR | 0o666, os.makedev(10, 200))
    places.joinpath("tun").chmod(0o666)  # as udev has it, whatever the umask
    return Person(home, ("unshare", "--mount", "sh", "-c", _ENTER, "sh", str(places), str(UID)))


@pytest.fixture
def seen() -> Iterator[Path]:
    """A directory that everybody may read, with busybox as a root file system in it."""
    with tempfile.TemporaryDirectory(prefix="seen-", dir="/var/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "tree/bin").mkdir(parents=True)
        shutil.copy(process.which("busybox") or "/bin/busybox", place / "tree/bin/busybox")
        for program in (*PROGRAMS.split(), "chown", "chmod", "ln", "mkfifo", "addgroup"):
            (place / "tree/bin" / program).symlink_to("busybox")
        yield place
