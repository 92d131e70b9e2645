"""Labels and annotations with the keys of the OCI image specification (annotations.md)."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.tags.event import Event


def labels(event: Event, version: str, given: Mapping[str, str]) -> dict[str, str]:
    """The keys that are known; the commit's time, not today's, so that equal inputs give equal digests.

    They come in the specification's order; `given` overrides, and an empty value is left out.
    """
    known = {
        "created": event.commit_time.isoformat(timespec="seconds") if event.commit_time else "",
        "revision": event.sha,
        "version": version,
    }
    merged = {f"org.opencontainers.image.{key}": value for key, value in {**known, **given}.items()}
    return {key: value for key, value in merged.items() if value}
