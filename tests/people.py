"""Plain users in tests: a whole run as one of them, and what they leave."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from baselard.engine.store import deep
from bench import user
from bench.user import NUMBERS, User
from tests import halves

_ENDING = 20.0  # seconds until what somebody started has to be gone with it
_FIRST = 70_000  # beyond the owners that a user namespace has, so that nothing holds by a user's own number alone
_IN_THE_CHECKOUT = ("HYPOTHESIS_STORAGE_DIRECTORY", "MYPY_CACHE_DIR", "RUFF_CACHE_DIR")  # else, and that is root's
_PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")


@contextlib.contextmanager
def places() -> Iterator[Path]:
    """A directory for a user's home and tables, which root removes, whoever owns what is in it.

    Its name is short: paths of sockets have 107 bytes (unix(7)).
    """
    place = Path(tempfile.mkdtemp(prefix="u-", dir="/var/tmp"))
    try:
        place.chmod(0o755)
        yield place
    finally:
        deep.remove(place)  # a run that was interrupted leaves trees of any depth


def tested(arguments: Sequence[str]) -> int:
    """Run pytest with these arguments as a user made for it; its exit code, or 1 where that user left something."""
    if reason := user.lacking():
        sys.stderr.write(f"--as-user: {reason}\n")
        return 1
    number = os.getpid() % 10_000  # several runs at once are apart
    with places() as place:
        somebody = user.made(place, _FIRST + number, 2_100_000_000 + number * NUMBERS)
        (somebody.home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")  # the checkout is root's
        kept = [f"{name}={somebody.home}/{name}" for name in _IN_THE_CHECKOUT]
        with halves.interrupted_below():
            done = subprocess.run([*somebody.login(os.environ), *kept, *_PYTEST, *arguments], check=False)
        if gone_on := left(somebody):
            sys.stderr.write("--as-user: these processes are left:\n" + "\n".join(gone_on) + "\n")
        return done.returncode or bool(gone_on)


def processes(somebody: User) -> list[str]:
    """The commands of the processes of the user, or of one of the subordinate numbers."""
    owners, found = range(somebody.first, somebody.first + NUMBERS), []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            owner, line = place.stat().st_uid, place.joinpath("cmdline").read_bytes()
        except OSError:
            continue
        if line and (owner == somebody.uid or owner in owners):
            found.append(line.replace(b"\0", b" ").decode(errors="replace"))
    return found


def left(somebody: User) -> list[str]:
    """The processes that do not end by themselves soon."""
    deadline = time.monotonic() + _ENDING
    while (found := processes(somebody)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
