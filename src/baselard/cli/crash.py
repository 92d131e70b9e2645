"""What is kept of an error nobody foresaw: a file to attach to a report."""

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path


def report(argv: Sequence[str], error: BaseException) -> Path:
    """Write a report about ``error`` to a new file; its path. It holds no environment values, only names."""
    descriptor, name = tempfile.mkstemp(prefix="baselard-crash-", suffix=".txt")
    with os.fdopen(descriptor, "w") as file:
        file.write(f"command: baselard {' '.join(argv)}\n")
        file.write(f"python: {sys.version}\nsystem: {platform.platform()}\n")
        file.write(f"variables set: {' '.join(sorted(os.environ))}\n\n")
        file.write("".join(traceback.format_exception(error)))
    return Path(name)
