"""Image references as the configuration and the command line write them."""

from __future__ import annotations

from functools import lru_cache

from baselard.oci import reference
from baselard.oci.errors import InvalidReferenceError
from baselard.oci.reference import Reference
from pipeline.errors import UsageError


def parse_reference(text: str) -> Reference:
    """Read a reference such as `debian:trixie-slim` or `ghcr.io/a/b@sha256:…`; UsageError when malformed."""
    try:
        return reference.parse(text)
    except InvalidReferenceError as error:
        raise UsageError(str(error)) from error


@lru_cache(4096)
def repository(text: str) -> str:
    """A reference without its tag or digest; UsageError when malformed."""
    return parse_reference(text).name
