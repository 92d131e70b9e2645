"""The containers' seccomp profile (seccomp.json(5), package golang-github-containers-common) for the OCI runtime.

The file names rules that hold for some architectures or capabilities only; the OCI runtime wants the plain list.
"""

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from baselard.engine.errors import HostError

_PROFILES = ("/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json")
_ARCHITECTURES = {
    "amd64": "SCMP_ARCH_X86_64",
    "arm64": "SCMP_ARCH_AARCH64",
    "arm": "SCMP_ARCH_ARM",
    "386": "SCMP_ARCH_X86",
    "ppc64le": "SCMP_ARCH_PPC64LE",
    "s390x": "SCMP_ARCH_S390X",
    "riscv64": "SCMP_ARCH_RISCV64",
}


@functools.cache
def profile(architecture: str, capabilities: frozenset[str]) -> Mapping[str, Any]:
    """The ``linux.seccomp`` object for this machine's ``architecture`` (Go's name) and a container's capabilities.

    Raises HostError when no profile is installed.
    """
    raw = json.loads(_text())
    native = _ARCHITECTURES.get(architecture, "")
    others = [entry["subArchitectures"] for entry in raw.get("archMap", ()) if entry["architecture"] == native]
    rules = [_rule(rule) for rule in raw["syscalls"] if _holds(rule, architecture, capabilities)]
    return {
        "defaultAction": raw["defaultAction"],
        **_number("defaultErrnoRet", raw),
        "architectures": [name for name in (native, *(others[0] if others else ())) if name],
        "syscalls": rules,
    }


def _text() -> str:
    for path in _PROFILES:
        if Path(path).exists():
            return Path(path).read_text()
    raise HostError(
        "the containers' seccomp profile is not installed (/usr/share/containers/seccomp.json): "
        "apt-get install golang-github-containers-common"
    )


def _holds(rule: Mapping[str, Any], architecture: str, capabilities: frozenset[str]) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    required = set(includes.get("caps") or ())
    return (
        required <= capabilities
        and _names(architecture, includes.get("arches"), default=True)
        and not capabilities & set(excludes.get("caps") or ())
        and not _names(architecture, excludes.get("arches"), default=False)
    )


def _names(architecture: str, architectures: Iterable[str] | None, *, default: bool) -> bool:
    return architecture in architectures if architectures else default


def _rule(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    names = rule.get("names") or [rule["name"]]
    plain = {"names": names, "action": rule["action"], **_number("errnoRet", rule)}
    return {**plain, "args": rule["args"]} if rule.get("args") else plain


def _number(name: str, source: Mapping[str, Any]) -> Mapping[str, int]:
    return {name: source[name]} if source.get(name) is not None else {}
