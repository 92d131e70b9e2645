"""The version that a process runs, told by stamps of the files it was imported from, or may yet be."""

import importlib.util
import os
import sys
from collections.abc import Iterator

from baselard.engine.host import checkout

Stamp = tuple[str, int, int, int]
_INSTALLED = ("site-packages", "dist-packages")
_BESIDE = ("dagger.json", "pyproject.toml", "README.md", "hatch_build.py")  # what our module's digest counts too
_PACKAGES = ("baselard", "pipeline")


def now() -> frozenset[Stamp]:
    """Stamps of our packages' files, of those beside our module, and of the places where others are installed."""
    specs = filter(None, map(importlib.util.find_spec, _PACKAGES))
    ours = (stamp for spec in specs for place in spec.submodule_search_locations or () for stamp in _below(place))
    others = [
        *(f"{checkout.MODULE}/{name}" for name in _BESIDE),
        *(path for path in sys.path if path.endswith(_INSTALLED)),
    ]
    return frozenset([*ours, *(_stamp(path, os.stat(path)) for path in others if os.path.exists(path))])


def _below(directory: str) -> Iterator[Stamp]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield _stamp(entry.path, entry.stat())
            elif entry.name != "__pycache__":
                yield from _below(entry.path)


def _stamp(path: str, info: os.stat_result) -> Stamp:
    return path, info.st_ino, info.st_mtime_ns, info.st_size
