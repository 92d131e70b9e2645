"""Where things are kept on this machine."""

import os
from pathlib import Path


def store_root() -> Path:
    """The store: BASELARD_STORE, or /var/lib/baselard."""
    return Path(os.environ.get("BASELARD_STORE") or "/var/lib/baselard")


def cache_root() -> Path:
    """The invoking user's cache: type definitions, modules' environments; all of it can be made again."""
    if given := os.environ.get("BASELARD_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "baselard"
