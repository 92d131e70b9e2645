"""``baselard plan``: what would be built here, from what, tested how, published as what. Nothing is built."""

import sys
from pathlib import Path

from baselard.engine.errors import UserError
from pipeline import errors, here


def run(ref: str, *, as_json: bool) -> int:
    """Print the plan of the current directory; 1 when some of it cannot be built. Raises UserError."""
    try:
        text, whole = here.planned(Path.cwd(), ref, as_json=as_json)
    except errors.UsageError as error:
        raise UserError(str(error)) from error
    sys.stdout.write(f"{text}\n")
    return 0 if whole else 1
