"""The start of the engine as a plain user: the process becomes root of a user namespace; its places are the user's."""

import os
import sys
from pathlib import Path

from baselard.cli import places
from baselard.engine.errors import HostError
from baselard.engine.host import rootless, runroot
from baselard.oci.registry import home


def entered() -> bool:
    """Become root of a user namespace where that is the way; whether this process is. Call while it has one thread.

    Raises HostError.
    """
    offer = rootless.chosen(os.environ)
    if offer is None:
        return False
    if offer.lacks:
        sys.stderr.write(f"baselard: all files belong to one user here: {offer.lacks}\n")
    # Whose number is root's has root's home in the table of users.
    os.environ |= {"HOME": str(home.of(os.environ)), "BASELARD_STORE": str(places.store_root())}
    os.environ["BASELARD_RUN"] = str(_run_root())
    rootless.enter(offer)
    return True


def _run_root() -> Path:
    """Where processes tell what they hold; nobody else's, where it was not named. Raises HostError."""
    path = Path(runroot.place(os.environ))
    if not os.environ.get("BASELARD_RUN"):
        path.mkdir(mode=0o711, exist_ok=True)
        if path.is_symlink() or path.stat().st_uid != os.getuid():
            raise HostError(f"{path} is somebody else's; set BASELARD_RUN to a directory of your own")
    return path
