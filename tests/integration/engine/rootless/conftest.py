"""Engines of a plain user: somebody without privileges, whom only this test's mount namespace knows."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from baselard.engine.host import process
from bench import user
from bench.user import User
from tests import people
from tests.integration.engine.conftest import PROGRAMS, ROOT, Client
from tests.workers import NUMBER

# Nobody else's, of the processes that run tests neither: what is left of a user is looked for by number.
UID, FIRST = 54400 + NUMBER, 2_000_000_000 + 65536 * NUMBER


@dataclass(frozen=True)
class Person:
    """Somebody with engines and command lines of theirs."""

    user: User

    @property
    def home(self) -> Path:
        return self.user.home

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
        return (*self.user.prefix, "env", *(f"{key}={value}" for key, value in given.items()))


@pytest.fixture
def person(_own_mounts: None) -> Iterator[Callable[..., Person]]:
    """Makes a user, with so many subordinate numbers."""
    if reason := user.lacking():
        pytest.skip(reason)
    with people.places() as place:
        yield lambda numbers=user.NUMBERS: Person(user.made(place, UID, FIRST, numbers))


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
