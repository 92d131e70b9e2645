"""Which display a command line gets."""

import os
import sys
from collections.abc import Mapping

from baselard.cli.options import Options
from baselard.engine.progress.display import Display, Dots, Quiet
from baselard.engine.progress.final import Final
from baselard.engine.progress.json_lines import JsonLines
from baselard.engine.progress.plain import Plain


def display(mode: str, *, quiet: int = 0, verbose: int = 0, environ: Mapping[str, str] | None = None) -> Display:
    """The display for ``--progress``; ``auto`` is the tree on a terminal and plain lines elsewhere.

    The tree needs a terminal that can move its cursor, whoever asks for it; plain lines stand in. A terminal that a
    CI system lends is for logs.
    """
    env = os.environ if environ is None else environ
    if quiet or mode == "quiet":
        return Quiet()
    if mode == "dots":
        return Dots(sys.stderr)
    if mode == "json":
        return JsonLines(sys.stderr)
    if mode == "report":
        return Final(sys.stderr)
    if mode in ("tty", "auto") and _live(env) and not (mode == "auto" and _logged(env)):
        from baselard.engine.progress.tree import Tty  # rich takes a while to import

        return Tty.started_on(sys.stderr)
    return Plain(sys.stderr, groups=env.get("GITHUB_ACTIONS") == "true", verbose=bool(verbose))


def display_of(options: Options) -> Display:
    """The display that a command line asks for."""
    return display(options.progress, quiet=options.quiet, verbose=options.verbose)


def _live(env: Mapping[str, str]) -> bool:
    return sys.stderr.isatty() and env.get("TERM", "dumb") not in ("dumb", "unknown", "")


def _logged(env: Mapping[str, str]) -> bool:
    return env.get("GITHUB_ACTIONS") == "true" or env.get("CI", "") not in ("", "0", "false")
