"""Programs by which a plain user's network namespace reaches the machine's, and whether they can work here."""

import os
import re
from pathlib import Path

from baselard.engine.host import process

_KNOWN = ("slirp4netns", "pasta")
_TUN = Path("/dev/net/tun")
_OLDEST = "2024"  # the pasta of Debian 12, of March 2023, loses what is forwarded to it, and tells no version


def helpers() -> list[str]:
    """Those that are installed and good enough, the first to be tried first."""
    return [name for name in _KNOWN if process.which(name) and not (name == "pasta" and _is_old())]


def lacking() -> str:
    """What is missing for a plain user's containers to reach the network, with the remedy, or ""."""
    if not helpers():
        return "neither slirp4netns nor a pasta of 2024 or later is installed; as root: apt-get install slirp4netns"
    if not os.access(_TUN, os.R_OK | os.W_OK):
        return f"{_TUN} cannot be opened; as root: modprobe tun && chmod 666 {_TUN}"
    return ""


def _is_old() -> bool:
    told = process.run(("pasta", "--version"), check=False).stdout.decode(errors="replace")
    version = re.search(r"(?<![0-9])(20[0-9]{6}|20[0-9]{2}_[0-9]{2}_[0-9]{2})", told)
    return not version or version[1] < _OLDEST
