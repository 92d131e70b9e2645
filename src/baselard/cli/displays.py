"""Which display a command line gets."""

import os
import sys
from collections.abc import Mapping

from baselard.engine.progress.display import Display, Dots, Plain, Quiet


def display(mode: str, *, quiet: int = 0, verbose: int = 0, environ: Mapping[str, str] | None = None) -> Display:
    """The display for ``--progress``; ``auto`` is the tree on a terminal and plain lines elsewhere."""
    env = os.environ if environ is None else environ
    if quiet or mode == "quiet":
        return Quiet()
    if mode == "dots":
        return Dots(sys.stderr)
    if mode == "tty" or (mode == "auto" and sys.stderr.isatty() and env.get("TERM") != "dumb"):
        from baselard.engine.progress.tree import Tty  # rich takes a while to import

        return Tty.started_on(sys.stderr)
    return Plain(sys.stderr, groups=env.get("GITHUB_ACTIONS") == "true", verbose=bool(verbose))
