"""`--chmod` values: octal as in BuildKit, or symbolic as in chmod(1)."""

from __future__ import annotations

import re

OCTAL = re.compile(r"[0-7]+")
CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)")
ACTION = re.compile(r"([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)")
SHIFTS = {"u": 6, "g": 3, "o": 0}
SPECIAL = {"u": 0o4000, "g": 0o2000, "o": 0}


def parse_mode(text: str) -> int | None:
    """The octal mode, or None for "" and for a symbolic one. ValueError in BuildKit's words for neither."""
    if not text:
        return None
    if OCTAL.fullmatch(text) and int(text, 8) <= 0o7777:
        return int(text, 8)
    if text.isdecimal() or not all(CLAUSE.fullmatch(clause) for clause in text.split(",")):
        raise ValueError(f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777")
    return None


def apply_mode(text: str, mode: int, is_directory: bool) -> int:
    """What a file of `mode` has after `chmod text`. No umask: a clause without a who means all."""
    octal = parse_mode(text)
    if octal is not None:
        return octal
    for clause in text.split(","):
        match = CLAUSE.fullmatch(clause)
        if match:
            who = "ugo" if match[1] in ("", "a") or "a" in match[1] else match[1]
            for operator, letters in ACTION.findall(match[2]):
                mode = _change(mode, who, operator, letters, is_directory)
    return mode


def _change(mode: int, who: str, operator: str, letters: str, is_directory: bool) -> int:
    bits = _bits(mode, who, letters, is_directory)
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    cleared = sum((0o7 << SHIFTS[one]) | SPECIAL[one] for one in set(who))
    return (mode & ~cleared) | bits


def _bits(mode: int, who: str, letters: str, is_directory: bool) -> int:
    if letters in SHIFTS and letters:
        permissions = (mode >> SHIFTS[letters]) & 0o7
    else:
        permissions = sum(value for letter, value in (("r", 4), ("w", 2), ("x", 1)) if letter in letters)
        if "X" in letters and (is_directory or mode & 0o111):
            permissions |= 1
    bits = sum(permissions << SHIFTS[one] for one in set(who))
    if "s" in letters:
        bits |= sum(SPECIAL[one] for one in set(who))
    return bits | (0o1000 if "t" in letters else 0)
