"""``baselard setup``, and what a first call does about packages that are missing."""

import os
import sys

from baselard.engine.errors import HostError
from baselard.engine.host import packages

_OFFER = "baselard: the engine needs what is missing here: {names}. Install it from the package archive now? [Y/n] "


def run() -> int:
    """Install what is missing. Raises HostError."""
    missing = packages.missing()
    packages.install(missing, note)
    sys.stdout.write(f"installed: {packages.named(missing)}\n" if missing else "nothing is missing\n")
    return 0


def require() -> None:
    """Have what the engine uses installed: offered on a terminal, done for root elsewhere.

    Raises HostError where it cannot be, or is not wanted. Without apt-get, only what nothing runs without is required.
    """
    missing = packages.missing()
    if not missing or (not packages.installable() and packages.NEEDED not in {one.name for one in missing}):
        return
    asked = packages.installable() and sys.stdin.isatty() and sys.stderr.isatty()
    if asked and not _agreed(_OFFER.format(names=packages.named(missing))):
        raise HostError(f"missing here: {packages.named(missing)}; `baselard setup` installs it")
    if packages.installable() and not asked and os.geteuid() != 0:
        raise HostError(f"missing here: {packages.named(missing)}; `baselard setup` installs it, by sudo")
    packages.install(missing, note)


def note(text: str) -> None:
    """Say what is being done."""
    sys.stderr.write(f"baselard: {text}\n")
    sys.stderr.flush()


def _agreed(question: str) -> bool:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")
