"""What is kept of an error nobody foresaw: a file to attach to a report."""

import contextlib
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence


def report(argv: Sequence[str], error: BaseException) -> str:
    """What to tell of ``error``, with the name of a new file that holds a report, or with the report itself.

    It holds no environment values, only names. Nothing is raised: whatever went wrong may go wrong here too.
    """
    head = f"a bug in Baselard: {_shown(error)}\n"
    text = "\n".join(_lines(argv, error)) + "\n"
    try:
        descriptor, name = tempfile.mkstemp(prefix="baselard-crash-", suffix=".txt")
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
    except Exception as trouble:
        return f"{head}{text}no file can be written for this: {_shown(trouble)}"
    return f"{head}the whole story is in {name}"


def _lines(argv: Sequence[str], error: BaseException) -> Iterator[str]:
    yield f"command: baselard {' '.join(argv)}"
    yield f"python: {sys.version}"
    with contextlib.suppress(Exception):
        yield f"system: {platform.platform()}"
    yield f"variables set: {' '.join(sorted(os.environ))}\n"
    try:
        yield "".join(traceback.format_exception(error))
    except Exception:
        yield _shown(error)


def _shown(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # what it says of itself is broken, too
        return f"{type(error).__name__}, which cannot be shown"
