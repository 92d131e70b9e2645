"""Platform texts (`os/arch[/variant]`) and the predefined build args made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

ARCHES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm", "armel": "arm"}
OSES = ("linux", "windows", "darwin", "freebsd", "wasi")
PART = re.compile(r"[A-Za-z0-9_-]+")


def normalize(text: str) -> str:
    """`os/arch[/variant]` in containerd's normal form. ValueError for a text that is no platform."""
    parts = text.lower().split("/")
    if not 1 <= len(parts) <= 3 or not all(PART.fullmatch(part) for part in parts):
        raise ValueError(f'"{text}" is an invalid platform: must be os/arch[/variant]')
    if len(parts) == 1:
        if parts[0] not in OSES and parts[0] not in (*ARCHES, *ARCHES.values(), "ppc64le", "s390x", "riscv64"):
            raise ValueError(f'"{text}": unknown operating system or architecture')
        parts = ["linux", parts[0]] if parts[0] not in OSES else [parts[0], "amd64"]
    os, arch, *variant = parts
    return "/".join([os, ARCHES.get(arch, arch), *_variant(arch, variant)])


def _variant(arch: str, variant: list[str]) -> list[str]:
    """containerd's platforms.normalizeArch: arm64 is v8 unsaid, arm is v7 said, armel is v6."""
    if ARCHES.get(arch, arch) == "arm64":
        return [] if variant in (["8"], ["v8"]) else variant
    if ARCHES.get(arch, arch) == "arm":
        default = "v6" if arch == "armel" else "v7"
        return [f"v{variant[0].removeprefix('v')}" if variant else default]
    return [] if variant == ["v1"] else variant


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
