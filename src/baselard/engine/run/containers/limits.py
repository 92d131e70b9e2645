"""Limits of one container: by settings, and by default where a hostile program would hurt the machine.

Nothing that a build may need has a limit by default but for processes and output, whose limits no honest build meets:
how much memory, disk or how many open files are too many nobody can tell beforehand. When memory runs out, the kernel
ends containers first (``OOM_SCORE``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from baselard.engine.errors import HostError, UserError
from baselard.engine.run.containers import cgroups

OOM_SCORE = 500
"""By how much a container's programs rather end than others when memory runs out (proc(5), oom_score_adj)."""

_PERIOD = 100_000  # microseconds in which the processors' time is shared out (cgroups(7))
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_BYTES = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)([bkmg]?)b?")
_NUMBER = re.compile(r"([0-9]{1,9})()")
_FORMS = {
    "MEMORY": _BYTES,
    "CPUS": re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)()"),
    "PIDS": _NUMBER,
    "FILES": _NUMBER,
    "OUTPUT": _BYTES,
    "DISK": _BYTES,
}
_BY_CGROUPS = ("MEMORY", "CPUS", "PIDS")
_USUAL = {"PIDS": "16384", "OUTPUT": "1g"}


@dataclass(frozen=True)
class Limits:
    """What one container may use at most; 0 sets no limit. ``memory`` in bytes, ``cpus`` in whole processors.

    ``files`` are those that one process has open, ``output`` the bytes that a command writes to its streams, ``disk``
    those by which its file systems grow.
    """

    memory: int = 0
    cpus: float = 0.0
    pids: int = 0
    files: int = 0
    output: int = 0
    disk: int = 0

    def to_json(self) -> dict[str, object]:
        """The configuration's ``linux.resources``, without devices."""
        found: dict[str, object] = {}
        if self.memory:
            found["memory"] = {"limit": self.memory}
        if self.cpus:
            found["cpu"] = {"period": _PERIOD, "quota": int(self.cpus * _PERIOD)}
        if self.pids:
            found["pids"] = {"limit": self.pids}
        return found

    def rlimits(self) -> list[dict[str, object]]:
        """The configuration's ``process.rlimits``, which hold for each process."""
        wanted = {"RLIMIT_NOFILE": self.files, "RLIMIT_FSIZE": self.disk}
        return [{"type": kind, "soft": most, "hard": most} for kind, most in wanted.items() if most]


def read(env: Mapping[str, str]) -> Limits:
    """The limits that ``BASELARD_MEMORY`` and its like set, and the usual ones.

    Raises UserError for what is none, HostError for what a plain user cannot have.
    """
    memory, cpus, pids, files, output, disk = (_read(env, name) for name in _FORMS)
    return Limits(int(memory), float(cpus), int(pids), int(files), int(output), int(disk))


def _read(env: Mapping[str, str], name: str) -> Fraction:
    """The number that a variable holds, its unit reckoned in; without one the usual number, or 0."""
    given = env.get(f"BASELARD_{name}", "").strip().lower()
    text = given or _USUAL.get(name, "0")
    if not (found := _FORMS[name].fullmatch(text)):
        raise UserError(f"BASELARD_{name}={text} limits nothing: write a number, as docs/reference/machine.md shows")
    if given and name in _BY_CGROUPS and not cgroups.are_ours():
        raise HostError(
            f"BASELARD_{name} is held by control groups, which this user may not make; unset it, or be root"
        )
    if name == "PIDS" and not given and not cgroups.has("pids"):
        return Fraction(0)  # nobody asked for it, so a machine that cannot do it may go on
    return Fraction(found[1]) * _UNITS[found[2]]
