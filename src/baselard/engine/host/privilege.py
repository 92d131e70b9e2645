"""Privileges of this process."""

import os
from pathlib import Path

_CAP_SYS_ADMIN = 21


def may_mount() -> bool:
    """Whether this process has CAP_SYS_ADMIN (capabilities(7)), without which nothing can be mounted."""
    status = Path("/proc/self/status").read_text()
    return bool(int(status.partition("CapEff:")[2].split()[0], 16) >> _CAP_SYS_ADMIN & 1)


def sudo() -> str:
    """The path of sudo for a plain user; "" where there is none, and for root."""
    paths = ("/usr/bin/sudo", "/usr/local/bin/sudo") if os.geteuid() else ()
    return next((path for path in paths if os.path.exists(path)), "")
