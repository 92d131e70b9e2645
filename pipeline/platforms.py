"""Platforms as the command line and the configuration write them (OCI image index: os/architecture/variant)."""

from __future__ import annotations

import difflib

from baselard.oci.platforms import ARCHITECTURES
from pipeline.errors import UsageError


def check_platform(platform: str) -> str:
    """The same platform; UsageError for one that no image can have. Empty is the engine's own."""
    os, _, rest = platform.partition("/")
    architecture, slash, variant = rest.partition("/")
    known = os == "linux" and architecture in ARCHITECTURES and (not slash or bool(variant.strip("/")))
    if platform and not known:
        meant = difflib.get_close_matches(architecture or os, ARCHITECTURES, 1)
        hint = f"did you mean linux/{meant[0]}?" if meant else "write it like linux/arm64 or linux/arm/v7"
        raise UsageError(f"there is no platform {platform!r}; {hint}")
    return platform
