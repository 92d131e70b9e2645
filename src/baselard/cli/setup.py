"""``baselard setup``, and what a first call does about packages that are missing."""

import os
import sys
from pathlib import Path

from baselard.engine.errors import HostError
from baselard.engine.host import apparmor, checkout, packages

_OFFER = "baselard: the engine needs what is missing here: {names}. Install it from the package archive now? [Y/n] "


def run(*, rootless: bool = False) -> int:
    """Install what is missing, with ``rootless`` for plain users too. Raises HostError."""
    missing = [*packages.missing(), *(packages.missing(packages.ROOTLESS) if rootless else [])]
    packages.install(missing, note)
    made = packages.named(missing)
    if rootless and apparmor.restricts():
        made = ", ".join(filter(None, (made, str(apparmor.install(_program())))))
    sys.stdout.write(f"installed: {made}\n" if made else "nothing is missing\n")
    return 0


def _program() -> Path:
    """The script that users start: what stands beside the Python of an environment, or a checkout's launcher."""
    return Path(sys.prefix, "bin/baselard") if checkout.INSTALLED else checkout.ROOT / "baselard"


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
