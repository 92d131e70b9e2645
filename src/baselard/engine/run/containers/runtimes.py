"""Which OCI runtime runs containers: crun where there is one that is new enough and this machine suits, else runc.

crun takes a quarter of runc's processor time. A user's terminal is runc's: it passes on keys, signals and sizes.
"""

import functools
import os
import re
from dataclasses import dataclass

from baselard.engine.errors import HostError
from baselard.engine.host import process
from baselard.engine.run.containers import cgroups

NAMES = ("runc", "crun")
_given_up: list[bool] = []
_OLDEST = (1, 8)  # of crun's: what the tests were run with


@dataclass(frozen=True)
class Program:
    """A runtime: its name and its path. ``state`` is the file that tells a container's first process, under ``pid``."""

    name: str
    path: str

    @property
    def options(self) -> tuple[str, ...]:
        """Words before the command: crun, unlike runc, has to be told that it may make no control group."""
        return ("--cgroup-manager=disabled",) if self.name == "crun" and not cgroups.are_ours() else ()

    @property
    def state(self) -> str:
        return "status" if self.name == "crun" else "state.json"

    @property
    def pid(self) -> str:
        return "pid" if self.name == "crun" else "init_process_pid"


def wanted() -> tuple[str, str]:
    """The name of the runtime that this user's engines take, and why it is not crun, or "".

    Raises HostError where the one that BASELARD_RUNTIME asks for cannot be.
    """
    asked = os.environ.get("BASELARD_RUNTIME", "")
    if asked not in ("", *NAMES):
        raise HostError(f"BASELARD_RUNTIME={asked}: there is runc, and there is crun")
    lacks = "BASELARD_RUNTIME asks for runc" if asked == "runc" else _unfit()
    if asked == "crun" and lacks:
        raise HostError(f"BASELARD_RUNTIME=crun: {lacks}")
    return ("runc", lacks) if lacks else ("crun", "")


def chosen(*, terminal: bool = False) -> Program:
    """The runtime for a container of this process's. Raises HostError where there is none, or as ``wanted`` does."""
    name, _ = wanted()
    return named("runc" if terminal or _given_up or cgroups.unlike_crun() else name)


def give_up() -> None:
    """Leave crun out in this process from now on: runc has run what it could not start."""
    _given_up.append(True)


def named(name: str) -> Program:
    """The runtime of that name. Raises HostError when it is not installed."""
    if not (path := process.which(name)):
        raise HostError(f"the OCI runtime {name} is not installed; apt-get install {name}")
    return Program(name, path)


def _unfit() -> str:
    """Why crun runs no container for this user, or ""."""
    if not (path := process.which("crun")):
        return "crun is not installed"
    return "" if _version(path) >= _OLDEST else f"{path} is older than {'.'.join(map(str, _OLDEST))}"


@functools.cache
def _version(path: str) -> tuple[int, ...]:
    # Without a place for its state, 1.21 tells nothing to a plain user who has no XDG_RUNTIME_DIR.
    said = process.run_regardless([path, "--root", "/", "--version"]).stdout.decode(errors="replace")
    number = re.match(r"crun version ([0-9]+)\.([0-9]+)", said)
    return tuple(map(int, number.groups())) if number else (0,)
