"""The predefined build args that tell the platforms of a build."""

from __future__ import annotations

from collections.abc import Mapping


def predefined_args(build: str, target: str, target_stage: str) -> Mapping[str, str]:
    """The args of the automatic platform scope, which a stage sees after naming them in an ARG."""
    args = {"TARGETSTAGE": target_stage or "default"}
    for prefix, platform in (("BUILD", build), ("TARGET", target)):
        os, arch, variant = (*platform.split("/"), "")[:3]
        args |= {
            f"{prefix}PLATFORM": platform,
            f"{prefix}OS": os,
            f"{prefix}OSVERSION": "",
            f"{prefix}ARCH": arch,
            f"{prefix}VARIANT": variant,
        }
    return args
