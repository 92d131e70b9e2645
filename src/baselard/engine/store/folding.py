"""Which neighbouring layers of a long chain are to become one, so that a chain of any length mounts.

overlayfs takes 500 lower directories. Layers that are large stay as they are as long as there is room for their names.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from baselard.engine.store import deep

_SMALL_BYTES, _SMALL_ENTRIES = 4 << 20, 1000


def runs(layers: Sequence[Path]) -> list[list[Path]]:
    """Neighbouring layers that are small, together; each of the others alone."""
    neighbours: list[list[Path]] = []
    open_run = False
    for layer in layers:
        small = _is_small(layer)
        if small and open_run:
            neighbours[-1].append(layer)
        else:
            neighbours.append([layer])
        open_run = small
    return neighbours


def _is_small(layer: Path) -> bool:
    size = entries = 0
    for directory, directories, files in deep.walk(layer):
        entries += len(directories) + len(files)
        size += sum(os.lstat(os.path.join(directory, name)).st_size for name in files)
        if size > _SMALL_BYTES or entries > _SMALL_ENTRIES:
            return False
    return True
