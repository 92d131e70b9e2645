"""The first call there is on a machine: a fresh clone of this checkout, and no store, cache or environment yet."""

import os
from pathlib import Path

from bench import programs
from bench.lab import Lab, seconds, settle
from bench.programs import CHECKOUT
from bench.project import Project

_CACHES = ("BASELARD_CACHE", "PIP_CACHE_DIR", "UV_CACHE_DIR")


def ours(lab: Lab, project: Project) -> float:
    """Seconds from the first word typed in the clone to the verdicts."""
    with lab.scratch() as scratch:
        clone = scratch / "clone"
        programs.run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)])
        settle()
        argv = ["./baselard", "call", "--progress", "plain", "--source", str(project.root), "test-examples"]
        return seconds(lambda: programs.run(argv, cwd=clone, env=_nothing_known(scratch)))


def _nothing_known(scratch: Path) -> dict[str, str]:
    caches = {name: str(scratch / name.lower()) for name in _CACHES}
    return {**os.environ, **caches, "BASELARD_STORE": str(scratch / "store"), "BASELARD_NO_DAEMON": "1"}
