"""Whether the store's disk can hold what a call makes: said before the work, not by a build that breaks off."""

import os
import shutil
from pathlib import Path

from baselard.engine.errors import HostError, UserError
from baselard.engine.store import collect

NEEDED = 2 << 30  # bytes; what a base image of half a gigabyte takes with its examples
_WORKING = 10  # part of it that must be free even when the store holds everything already


def free(store: Path) -> int:
    """Free bytes where the store is, or will be."""
    return shutil.disk_usage(next(path for path in (store, *store.parents) if path.exists())).free


def require(store: Path) -> None:
    """Raise HostError when ``BASELARD_SPACE`` (a size, 2G by default) is more than what is free and in the store.

    What the store holds counts because it need not be made again, or can be pruned.
    """
    needed, there = _needed(), free(store)
    if there >= needed:
        return
    held = collect.disk_usage(store) if store.exists() else 0
    if there + held >= needed and there >= needed // _WORKING:
        return
    raise HostError(
        f"the disk will not suffice: {there / 1e9:.1f} GB are free for {store}, which holds {held / 1e9:.1f} GB, and "
        f"{needed / 1e9:.1f} GB are wanted for a base image and its examples. Free some (baselard prune), set "
        "BASELARD_STORE to a larger disk, or, if you know that less is enough, BASELARD_SPACE to a size such as 500M"
    )


def _needed() -> int:
    setting = os.environ.get("BASELARD_SPACE")
    if setting is None:
        return NEEDED
    try:
        return collect.parse_size(setting)
    except ValueError:
        raise UserError(f"BASELARD_SPACE={setting}: write a size such as 2G, 500M or a number of bytes") from None
