"""Labels and annotations with the keys of the OCI image specification (annotations.md), by metadata-action's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.errors import UsageError
from pipeline.tags.events import Event
from pipeline.tags.template import render

PREFIX = "org.opencontainers.image."


def labels(event: Event, version: str, known: Mapping[str, str], lines: Sequence[str] = ()) -> dict[str, str]:
    """The keys that are known; the commit's time, not today's, so that equal inputs give equal digests.

    They come sorted. `known` are further keys without their prefix, `lines` whole labels as KEY=VALUE, which may hold
    expressions and win; an empty value leaves its key out.
    """
    facts = {
        "created": event.commit_time.isoformat(timespec="seconds") if event.commit_time else "",
        "revision": event.sha,
        "version": version,
        **known,
    }
    merged = {f"{PREFIX}{key}": value for key, value in facts.items()} | dict(_pair(line, event) for line in lines)
    return {key: merged[key] for key in sorted(merged) if merged[key]}


def _pair(line: str, event: Event) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"label {line!r} has no value; write KEY=VALUE")
    return key.strip(), render(value.strip(), event, escaped=False)
