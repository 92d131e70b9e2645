"""Whole numbers in text from elsewhere: ASCII digits and nothing else.

Python's own ``int`` takes signs, spaces, underscores and the digits of other scripts too, and has no limit.
"""

LARGEST_ID = 2**31 - 1
"""The largest user or group number, as in docker (runc's libcontainer/user)."""

LARGEST_PORT = 2**16 - 1

LARGEST_MODE = 0o7777

_LONGEST = 20  # digits of 2**64


def decimal(text: str, most: int) -> int | None:
    """The number that ``text`` is in decimal digits, 0 to ``most``; None when it is none."""
    digits = text.lstrip("0") or "0"
    if not (text and digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST):
        return None
    return number if (number := int(digits)) <= most else None


def octal(text: str, most: int) -> int | None:
    """The number that ``text`` is in octal digits, 0 to ``most``; None when it is none."""
    if not text or text.strip("01234567") or len(text.lstrip("0")) > _LONGEST:
        return None
    return number if (number := int(text, 8)) <= most else None
