"""The `created_by` texts that docker writes into an image's history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from baselard.dockerfile.syntax.instructions import Copy
from baselard.oci import durations
from baselard.oci.image_config import Healthcheck

MOST_RUNES = 0x110000
SHORT_ESCAPE, DELETE = 0x20, 0x7F


def quoted(words: Sequence[str]) -> str:
    """Go's %q of a list of strings."""
    return "[" + " ".join(json.dumps(word, ensure_ascii=False) for word in words) + "]"


def healthcheck(check: Healthcheck) -> str:
    """A HEALTHCHECK's text: docker prints its own struct, with retries as the character of that number."""
    times = (check.interval, check.timeout, check.start_period, check.start_interval)
    parts = [quoted(check.test), *(f'"{durations.show(time)}"' for time in times), _rune(check.retries)]
    return "HEALTHCHECK &{" + " ".join(parts) + "}"


def _rune(number: int) -> str:
    """Go's %q of a number."""
    letter = chr(number) if number < MOST_RUNES else "\ufffd"
    known = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    text = {**known, "'": "\\'", "\\": "\\\\"}.get(letter, letter if letter.isprintable() else _escaped(number))
    return f"'{text}'"


def _escaped(number: int) -> str:
    return f"\\x{number:02x}" if number < SHORT_ESCAPE or number == DELETE else f"\\u{number:04x}"


def ran(args: Sequence[str], build_args: Sequence[str], scope: Mapping[str, str]) -> str:
    """A RUN's text: the build args so far, one for each time that an ARG named it, then the command line."""
    known = [f"{key}={scope.get(key, '')}" for key in build_args]
    count = [f"|{len(known)}"] if known else []
    return "RUN " + " ".join([*count, *known, *args]) + " # buildkit"


def copied(copy: Copy) -> str:
    """A COPY's or ADD's text, after expansion."""
    words = ["ADD" if copy.add else "COPY"]
    words += ["--parents"] if copy.parents else []
    words += [f"--chown={copy.chown}"] if copy.chown else []
    words += [f"--chmod={copy.chmod}"] if copy.chmod else []
    words += [*copy.sources, *(f"<<{doc.name}" for doc in copy.heredocs), copy.dest]
    return " ".join(words) + " # buildkit"
