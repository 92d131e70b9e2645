"""Leftovers of engine processes that died: containers, bridges, packet filter rules, control groups. Removed at start.

What they held is written in their run directories. Where those are gone as well, the machine itself is asked.
"""

from pathlib import Path

from baselard.engine.host import rundir
from baselard.engine.run.containers import cgroups, runtime
from baselard.engine.run.networks import bridges


def remove(root: Path | None = None) -> int:
    """End and remove the leftovers of dead processes below ``root`` (/run/baselard); gives how many there were."""
    count = 0
    for run_dir in rundir.abandoned(root):
        runtime.remove_abandoned(run_dir)
        bridges.tear_down(run_dir)
        run_dir.close()
        count += 1
    cgroups.sweep()
    bridges.sweep()
    return count
