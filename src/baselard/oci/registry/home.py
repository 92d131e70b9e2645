"""The home in which a user's own settings for registries are."""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path


def of(environ: Mapping[str, str]) -> Path:
    """HOME; without it, as in the containers library, what the machine's table of users says (homedir.Get of moby)."""
    if named := environ.get("HOME"):
        return Path(named)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # a number without a name
        return Path("/")
