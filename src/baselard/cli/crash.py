"""The report of an error that nobody foresaw: a file to attach to a report."""

import contextlib
import os
import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence

from baselard.engine.errors import without_passwords

_NO_SECRET = re.compile(r"(env|file):(//)?\S+|true|false|[0-9]{1,4}")
_SHORT = 4  # letters of a value that is too common to be taken out of other texts


def report(argv: Sequence[str], error: BaseException) -> str:
    """The message about ``error``, with the name of a new file that holds a report, or with the report itself.

    It holds names of variables and flags, not their values: any of them may be a secret. Nothing is raised: whatever
    went wrong may go wrong here too.
    """
    words, hidden = _hidden(argv)
    head = _without(hidden, f"a bug in Baselard: {_shown(error)}\n")
    text = _without(hidden, "\n".join(_lines(words, error)) + "\n")
    try:
        descriptor, name = tempfile.mkstemp(prefix="baselard-crash-", suffix=".txt")
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
    except Exception as trouble:
        return f"{head}{text}no file can be written for this: {_shown(trouble)}"
    return f"{head}the whole story is in {name}"


def _hidden(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The command line with ``…`` for the values of flags that may be secrets, and these, longest first.

    What follows a flag that is more than a letter counts as its value: which ones have none, only a module could tell.
    """
    words: list[str] = []
    hidden: list[str] = []
    before = ""
    for word in argv:
        name, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        is_value = equals or (before.startswith("--") and "=" not in before and not name)
        if is_value and not _NO_SECRET.fullmatch(value):
            hidden.append(value)
            value = "…"
        words.append(f"{name}{equals}{value}")
        before = word
    return words, sorted(hidden, key=len, reverse=True)


def _without(hidden: Sequence[str], text: str) -> str:
    for value in hidden:
        text = text.replace(value, "…") if len(value) > _SHORT else text
    return without_passwords(text)


def _lines(words: Sequence[str], error: BaseException) -> Iterator[str]:
    yield f"command: baselard {' '.join(words)}"
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
