"""Text at the border of this process: JSON that others wrote, and what goes out.

Python's text may hold half of a character (a lone surrogate): one that JSON escapes by itself, or one that stands for a
byte of a file's name (PEP 383). UTF-8 has neither.
"""

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None"
"""What Python's json reads, as dict and list, and writes."""

ANYTHING = "baselard.anything"
"""How to encode any text: bytes that were no text come out as they were, other halves as U+FFFD."""

_HALF = re.compile("[\ud800-\udfff]")


def whole(text: str) -> str:
    """The text with U+FFFD for half of a character."""
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def loads(data: str | bytes) -> JSON:
    """The JSON value, with U+FFFD for half of a character, as Go's decoder has it.

    Raises ValueError, RecursionError.
    """
    value: JSON = json.loads(data)
    escapes = b"\\u" in data if isinstance(data, bytes) else "\\u" in data
    return _mended(value) if escapes else value


def members(value: JSON) -> Mapping[str, JSON]:
    """The members of a JSON object. Raises TypeError for any other value."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r:.80} is not a JSON object")
    return value


def _mended(value: JSON) -> JSON:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [_mended(entry) for entry in value]
    if isinstance(value, dict):
        return {whole(key): _mended(entry) for key, entry in value.items()}
    return value


def _anything(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    parts = (bytes([ord(one) - 0xDC00]) if "\udc80" <= one <= "\udcff" else b"\xef\xbf\xbd" for one in found)
    return b"".join(parts), error.end


codecs.register_error(ANYTHING, _anything)
