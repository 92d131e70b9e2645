"""The caller: the engine alone is root, everything of the user's own is done as the user behind sudo."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass

from baselard.engine.errors import HostError
from baselard.oci.digits import LARGEST_ID, decimal


@dataclass(frozen=True)
class Caller:
    """The user that the user's own code runs as. ``uid`` None: as whoever runs the engine."""

    uid: int | None = None
    gid: int = 0
    home: str = ""

    def argv(self) -> tuple[str, ...]:
        """The words before a command that run it as this user."""
        if self.uid is None:
            return ()
        groups = "--init-groups" if _known(self.uid) else "--clear-groups"
        return ("setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", groups, "--no-new-privs", "--")


def invoking_user(environ: Mapping[str, str]) -> Caller:
    """The caller of sudo, if the engine was started through it. Raises HostError when its variables say nobody."""
    if os.geteuid() != 0 or not (uid := _number(environ, "SUDO_UID")):
        return Caller(home=environ.get("HOME", "/"))
    known = _known(uid)
    gid = _number(environ, "SUDO_GID") if environ.get("SUDO_GID") else uid
    return Caller(uid, gid, known.pw_dir if known else "/")


def _number(environ: Mapping[str, str], name: str) -> int:
    number = decimal(text := environ.get(name) or "0", LARGEST_ID)
    if number is None:
        raise HostError(f"{name}={text!r} is not a user's number; unset it, or start the engine by sudo")
    return number


def _known(uid: int) -> "pwd.struct_passwd | None":
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None
