"""The containers' seccomp filter for the OCI runtime, made of the tables in ``runtime_syscalls``."""

import errno
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from baselard.engine.run.containers import syscalls
from baselard.engine.run.containers.syscalls import ALWAYS, ARCHITECTURES, BY_ARCHITECTURE, BY_CAPABILITY

_NAMESPACES = "CAP_SYS_ADMIN"
_FLAGS_COME_SECOND = ("s390x",)  # clone(2)


@functools.cache
def profile(architecture: str, capabilities: frozenset[str]) -> Mapping[str, Any]:
    """The ``linux.seccomp`` object for this machine's ``architecture`` (Go's name) and a container's capabilities."""
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.EPERM,
        "architectures": list(ARCHITECTURES.get(architecture, ())),
        "syscalls": list(_rules(architecture, capabilities)),
    }


def _rules(architecture: str, capabilities: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    yield _allowed(ALWAYS)
    yield from (_allowed(["socket"], _equal(family)) for family in syscalls.SOCKETS)
    yield from (_allowed(["personality"], _equal(number)) for number in syscalls.PERSONALITIES)
    if architecture in BY_ARCHITECTURE:
        yield _allowed(BY_ARCHITECTURE[architecture].split())
    for capability in sorted(capabilities & BY_CAPABILITY.keys()):
        yield _allowed(BY_CAPABILITY[capability].split())
    if _NAMESPACES not in capabilities:
        yield _allowed(["clone"], _without_namespaces(int(architecture in _FLAGS_COME_SECOND)))
        # clone3's flags are in memory, where no filter looks; libc does without it where it seems not to be there
        yield {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS}


def _allowed(names: Sequence[str], *arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    rule = {"names": list(names), "action": "SCMP_ACT_ALLOW"}
    return {**rule, "args": list(arguments)} if arguments else rule


def _equal(value: int) -> Mapping[str, Any]:
    return {"index": 0, "value": value, "op": "SCMP_CMP_EQ"}


def _without_namespaces(index: int) -> Mapping[str, Any]:
    mask = syscalls.NEW_NAMESPACES
    return {"index": index, "value": mask, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
