"""Directories in each other by the thousand, as a hostile program makes them."""

import os
from pathlib import Path


def nested(root: Path, levels: int) -> Path:
    """A directory with so many in each other, and a file at the end."""
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    return root
