"""The directory for what lives no longer than a process of this user: sockets, namespaces, secrets.

Loads no more than an interpreter has anyway, since every call asks for it.
"""

import os
from collections.abc import Mapping


def place(environ: Mapping[str, str]) -> str:
    """BASELARD_RUN; else root's is below /run, and a user's in the login's own directory (XDG Base Directory
    Specification) or, where there is none, in /tmp."""
    if given := environ.get("BASELARD_RUN"):
        return given
    if not os.geteuid():
        return "/run/baselard"
    login = environ.get("XDG_RUNTIME_DIR", "")
    if login.startswith("/") and os.access(login, os.W_OK):
        return os.path.join(login, "baselard")
    return f"/tmp/baselard-{os.geteuid()}"  # noqa: S108 -- looked at before it is used
