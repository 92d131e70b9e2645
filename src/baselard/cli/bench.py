"""``baselard bench``: measurements of this checkout; ``bench/`` stands above the command line that it measures."""

import os
import sys

from baselard.cli import start
from baselard.engine.errors import UserError
from baselard.engine.host import checkout


def run(line: list[str]) -> int:
    """Become ``bench/``, a program of its own that only developers have. Raises EngineError."""
    if checkout.INSTALLED:
        raise UserError("bench is for a checkout: `./baselard bench` there")
    start.require_privilege(line)
    os.execv(sys.executable, [sys.executable, "-I", "-m", *line])  # noqa: S606 -- our own program
