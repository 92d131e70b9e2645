"""A seccomp filter compiled ahead, by libseccomp (seccomp_init(3) and its like): a runtime takes it as it is.

Compiling is a third of what starting a container takes, and every container's filter is the same. What follows the
last call that the filter knows answers ENOSYS, as runc has it, not EPERM: with that a newer libc goes another way.
"""

import ctypes
import errno
import functools
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # seccomp.h
_OPERATORS = {"SCMP_CMP_EQ": 4, "SCMP_CMP_MASKED_EQ": 7}
_X32, _X32_BIT = "SCMP_ARCH_X32", 0x40000000  # the kernel tells it from x86-64 by a bit of the number alone
_X86_64 = "SCMP_ARCH_X86_64"
_LOAD, _EQUAL, _GREATER, _AT_LEAST, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x06  # linux/bpf_common.h
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data


class _Argument(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def compiled(profile: Mapping[str, Any]) -> bytes:
    """The program for a configuration's ``linux.seccomp``; b"" where this machine has no libseccomp to make it."""
    try:
        library = _library()
        tokens = {name: _token(library, name) for name in profile["architectures"]}
        return _front(library, profile, tokens) + _filter(library, profile, tokens.values())
    except OSError:
        return b""


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    return library


def _token(library: ctypes.CDLL, name: str) -> int:
    token = int(library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode()))
    if not token:
        raise OSError(errno.EINVAL, f"libseccomp does not know {name}")
    return token


def _filter(library: ctypes.CDLL, profile: Mapping[str, Any], tokens: Iterable[int]) -> bytes:
    context = ctypes.c_void_p(library.seccomp_init(_ERRNO | profile["defaultErrnoRet"]))
    program = os.memfd_create("seccomp")
    try:
        for token in tokens:
            _checked(library.seccomp_arch_add(context, token), errno.EEXIST)  # this machine's own is there
        for rule in profile["syscalls"]:
            _add(library, context, rule)
        _checked(library.seccomp_export_bpf(context, program))
        return os.pread(program, os.fstat(program).st_size, 0)
    finally:
        os.close(program)
        library.seccomp_release(context)


def _add(library: ctypes.CDLL, context: ctypes.c_void_p, rule: Mapping[str, Any]) -> None:
    action = _ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else _ERRNO | rule["errnoRet"]
    arguments = [
        _Argument(condition["index"], _OPERATORS[condition["op"]], condition["value"], condition.get("valueTwo", 0))
        for condition in rule.get("args", ())
    ]
    row = (_Argument * len(arguments))(*arguments)
    for name in rule["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number != -1:  # newer than the library
            _checked(library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(row), row))


def _checked(code: int, but: int = 0) -> None:
    if code < 0 and -code != but:
        raise OSError(-code, os.strerror(-code))


def _front(library: ctypes.CDLL, profile: Mapping[str, Any], tokens: Mapping[str, int]) -> bytes:
    """The steps that answer ENOSYS for each architecture's later calls."""
    names = {name for rule in profile["syscalls"] for name in rule["names"]}
    kernels = {**tokens, **({_X32: tokens[_X86_64]} if _X86_64 in tokens and _X32 in tokens else {})}
    steps: list[tuple[int, int, int, int]] = []
    for architecture, token in tokens.items():
        numbers = (library.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(token), name.encode()) for name in names)
        steps += _later(kernels[architecture], max(numbers), native=architecture == _X86_64)
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _later(token: int, last: int, *, native: bool) -> Iterator[tuple[int, int, int, int]]:
    """Instructions: code, how many to leave out if it is so and if not, value (struct sock_filter)."""
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_EQUAL, 0, 4 if native else 3, token)
    yield (_LOAD, 0, 0, _NUMBER)
    if native:
        yield (_AT_LEAST, 2, 0, _X32_BIT)
    yield (_GREATER, 0, 1, last)
    yield (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)
