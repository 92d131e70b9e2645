"""Who called: the engine alone is root, everything of the user's own is done as the user behind sudo."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """Whom the user's own code runs as. ``uid`` None: as whoever runs the engine."""

    uid: int | None = None
    gid: int = 0
    home: str = ""

    def argv(self) -> tuple[str, ...]:
        """What to put before a command to run it as this user."""
        if self.uid is None:
            return ()
        groups = "--init-groups" if _known(self.uid) else "--clear-groups"
        return ("setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", groups, "--no-new-privs", "--")


def invoking_user(environ: Mapping[str, str]) -> User:
    """Who called sudo, if the engine was started through it."""
    uid = int(environ.get("SUDO_UID") or 0)
    if os.geteuid() != 0 or uid == 0:
        return User(home=environ.get("HOME", "/"))
    known = _known(uid)
    return User(uid, int(environ.get("SUDO_GID") or uid), known.pw_dir if known else "/")


def _known(uid: int) -> "pwd.struct_passwd | None":
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None
