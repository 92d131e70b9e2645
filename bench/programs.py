"""Commands of the peers."""

import subprocess
from collections.abc import Sequence


def run(argv: Sequence[str]) -> str:
    """Run one command; what it printed. Raises RuntimeError with the command and the end of what it said."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{said}")
    return done.stdout
