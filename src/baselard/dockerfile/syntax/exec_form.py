"""The exec form: an instruction's arguments as a JSON array, read as docker's parser does (Go's json.Decoder).

It ends with the array; whatever follows is nothing, be it a comment. e2b-dockerfile-utils takes such a line as shell
form, which is another command. BuildKit from 0.15 on (Docker 27.2) reads it so as well: hence the warning.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

from e2b_dockerfile_utils import DockerfileInstruction

from baselard.oci.text import whole

INSTRUCTIONS = ("ADD", "CMD", "COPY", "ENTRYPOINT", "HEALTHCHECK", "RUN", "SHELL", "VOLUME")
NOT_STRINGS = "when using JSON array syntax, arrays must be comprised of strings only"


def reread(node: DockerfileInstruction, escape: str) -> tuple[DockerfileInstruction, str]:
    """The instruction with the arguments that its array has, and the text after the array, which is ignored.

    An ONBUILD keeps its trigger as it is. Raises ValueError, for a trigger's array too, when it holds other things than
    strings, and for a heredoc after one.
    """
    if node.name == "ONBUILD":
        _check_trigger(node, escape)
    if node.name not in INSTRUCTIONS:
        return node, ""
    kind, rest = _arguments(node, escape)
    try:
        words, end = _decode(rest)
    except ValueError:
        return node, ""
    if not all(isinstance(word, str) for word in words):
        raise ValueError(NOT_STRINGS)
    if node.heredocs:
        raise ValueError("a heredoc cannot follow the JSON form of arguments, which takes no notice of it")
    args = [*kind, *map(whole, words)]
    return replace(node, args=args, json=True), rest[end:].strip()


def _check_trigger(node: DockerfileInstruction, escape: str) -> None:
    trigger = node.original.strip()[len(node.name) :].strip()
    if trigger:
        reread(replace(node, name=trigger.split()[0].upper(), original=trigger), escape)


def _arguments(node: DockerfileInstruction, escape: str) -> tuple[list[str], str]:
    """The words behind the instruction's name and flags: HEALTHCHECK's first word, and the rest."""
    rest = node.original.strip()
    rest = rest[len(node.name) :]
    rest = rest[_flags(escape).match(rest).end() :]  # type: ignore[union-attr]  # it matches nothing at least
    if node.name != "HEALTHCHECK":
        return [], rest
    kind, *after = rest.split(maxsplit=1)
    return [kind], "".join(after)


def _flags(escape: str) -> re.Pattern[str]:
    """Leading words that begin with `--`, where quotes and escapes hold spaces; `--` alone ends them."""
    one = rf"""(?:[^\s'"{re.escape(escape)}]|E.?|"(?:[^"{re.escape(escape)}]|E.)*"|'(?:[^'{re.escape(escape)}]|E.)*')"""
    return re.compile(rf"\s*(?:--{one}+\s*)*(?:--\s+)?".replace("E", re.escape(escape)), re.DOTALL)


def _decode(text: str) -> tuple[list[Any], int]:
    """The array that the text begins with, and where it ends. Raises ValueError where Go's decoder finds none."""
    if not text.startswith("["):
        raise ValueError("not a JSON array")
    decoder = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_number)
    words: list[Any]
    words, end = decoder.raw_decode(text)
    return words, end


def _number(text: str) -> float:
    """A number as Go's float64 holds it, which has no NaN and no infinity."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"cannot unmarshal number {text}")
    return number
