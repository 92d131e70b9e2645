"""Programs by which a plain user's network namespace reaches the machine's, and whether they can work here."""

import os
from pathlib import Path

from baselard.engine.host import process

_KNOWN = ("slirp4netns", "pasta")
_TUN = Path("/dev/net/tun")
# The pasta of Debian 12, of March 2023, loses what is forwarded to it. Distributions' tell no version; one of these
# options is in the help of each later one: in Ubuntu 24.04's the first, in Debian 13's the other.
_LATER = (b"--no-copy-routes", b"--freebind")


def helpers() -> list[str]:
    """Those that are installed and good enough, the first to be tried first."""
    return [name for name in _KNOWN if process.which(name) and not (name == "pasta" and _is_old())]


def lacking() -> str:
    """What is missing for a plain user's containers to reach the network, with the remedy, or ""."""
    if not helpers():
        return "neither slirp4netns nor a pasta of after 2023-03 is installed; as root: apt-get install slirp4netns"
    if not os.access(_TUN, os.R_OK | os.W_OK):
        return f"{_TUN} cannot be opened; as root: modprobe tun && chmod 666 {_TUN}"
    return ""


def _is_old() -> bool:
    done = process.run(("pasta", "--help"), check=False)
    return not any(option in done.stdout + done.stderr for option in _LATER)
