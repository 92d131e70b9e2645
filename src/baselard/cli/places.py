"""Where things are kept on this machine."""

import os
from pathlib import Path

from baselard.engine.host import privilege, rootless


def store_root() -> Path:
    """The store: BASELARD_STORE; else /var/lib/baselard (hier(7)) for root, and so for whoever becomes root by sudo;
    else, for a user who needs no root or gets a user namespace, one below XDG_DATA_HOME. Raises HostError."""
    if setting := os.environ.get("BASELARD_STORE"):
        return Path(setting)
    if os.geteuid() == 0 or not (privilege.may_mount() or rootless.chosen(os.environ)):
        return Path("/var/lib/baselard")
    return _home("XDG_DATA_HOME", "~/.local/share")


def _home(variable: str, usual: str) -> Path:
    """Ours below a base directory; a relative one is no base directory (XDG Base Directory Specification)."""
    setting = os.environ.get(variable, "")
    return Path(setting if setting.startswith("/") else Path(usual).expanduser()) / "baselard"


def cache_root() -> Path:
    """The invoking user's cache: type definitions, modules' environments; all of it can be made again."""
    if setting := os.environ.get("BASELARD_CACHE"):
        return Path(setting)
    return _home("XDG_CACHE_HOME", "~/.cache")
