"""The start of the engine as a plain user: the process becomes root of a user namespace; its places are the user's."""

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from baselard.cli import places
from baselard.engine.errors import HostError
from baselard.engine.host import rootless, runroot
from baselard.oci.registry import home
from baselard.resident import alone

_AGAIN = "_STARTED_AGAIN_FOR_ROOTLESS"


def entered(argv: Sequence[str]) -> bool:
    """Become root of a user namespace where that is the way; whether this process is.

    Where threads run already, the process is started anew with the command line ``argv`` first. Raises HostError.
    """
    offer = rootless.chosen(os.environ)
    if offer is None:
        return False
    if threading.active_count() > 1:
        _start_again(argv)
    if offer.lacks:
        sys.stderr.write(f"baselard: all files belong to one user here: {offer.lacks}\n")
    os.environ.pop(_AGAIN, None)
    # Whose number is root's has root's home in the table of users.
    os.environ |= {"HOME": str(home.of(os.environ)), "BASELARD_STORE": str(places.store_root())}
    os.environ["BASELARD_RUN"] = str(_run_root())
    rootless.enter(offer)
    return True


def _start_again(argv: Sequence[str]) -> None:
    """What a first call found out of the module is known by then, so that nothing starts a thread before this."""
    alone.require()
    if os.environ.get(_AGAIN):
        raise HostError(f"the module's types cannot be kept in {places.cache_root()}; set BASELARD_CACHE")
    sys.stderr.flush()
    os.environ[_AGAIN] = "1"
    os.execv(sys.executable, [sys.executable, "-I", "-m", "baselard.cli", *argv])  # noqa: S606


def _run_root() -> Path:
    """Where processes tell what they hold; nobody else's, where it was not named. Raises HostError."""
    path = Path(runroot.place(os.environ))
    if not os.environ.get("BASELARD_RUN"):
        path.mkdir(mode=0o711, exist_ok=True)
        if path.is_symlink() or path.stat().st_uid != os.getuid():
            raise HostError(f"{path} is somebody else's; set BASELARD_RUN to a directory of your own")
    return path
