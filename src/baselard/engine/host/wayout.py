"""Programs by which a plain user's network namespace reaches the machine's, and whether they can work here."""

import os
from pathlib import Path

from baselard.engine.host import process

_KNOWN = ("slirp4netns", "pasta")
_TUN = Path("/dev/net/tun")
# The pastas of Debian 12 and Ubuntu 24.04, of 2023-03 and 2024-02, lose what is forwarded to them. None tells its
# version, but this option is in the help of Debian 13's alone.
_LATER = b"--freebind"


def helpers() -> list[str]:
    """Those that are installed and good enough, the first to be tried first."""
    return [name for name in _KNOWN if process.which(name) and not (name == "pasta" and _is_old())]


def lacking() -> str:
    """What is missing for a plain user's containers to reach the network, with the remedy, or ""."""
    if not helpers():
        return "neither slirp4netns nor a late pasta (Debian 13's) is installed; as root: apt-get install slirp4netns"
    if not os.access(_TUN, os.R_OK | os.W_OK):
        return f"{_TUN} cannot be opened; as root: modprobe tun && chmod 666 {_TUN}"
    return ""


def _is_old() -> bool:
    done = process.run(("pasta", "--help"), check=False)
    return _LATER not in done.stdout + done.stderr
