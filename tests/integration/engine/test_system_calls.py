"""System calls as a container's program makes them: the kernel's own answers, through either runtime and libseccomp."""

import platform
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from baselard.engine.ops.exec import Expect

pytestmark = [
    pytest.mark.root,
    pytest.mark.usefixtures("either_runtime"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the program is written in x86-64's own bytes"),
]

EPERM, EINVAL, ENOSYS = 1, 22, 38
CLONE_NEWUSER, SIGCHLD = 0x10000000, 17


def _program(number: int, *arguments: int) -> bytes:
    """A static ELF file (elf(5)) that makes one system call and exits with what it gives, negated."""
    registers = (0xBF, 0xBE, 0xBA)  # mov edi, esi, edx
    code = b"".join(struct.pack("<BI", op, value) for op, value in zip(registers, arguments, strict=False))
    code = struct.pack("<BI", 0xB8, number) + code + bytes.fromhex("0f05 89c7 f7df b83c000000 0f05")
    start, size = 0x400078, 0x78 + len(code)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000)
    return head + segment + code


@pytest.fixture
def call(run, worker, output, busybox) -> Callable[..., int]:
    """The exit code of a program that makes a system call."""

    def call(number: int, *arguments: int, **fields: object) -> int:
        with worker.snapshots.draft(busybox.tree) as draft:
            program: Path = draft.path / "call"
            program.write_bytes(_program(number, *arguments))
            program.chmod(0o755)
            value = type(busybox)(f"call {number} {arguments}", draft.commit())
        return int(run(("/call",), rootfs=output(value), expect=Expect.ANY, no_init=True, **fields).code)

    return call


@pytest.mark.parametrize(
    ("number", "arguments", "code"),
    [
        (41, (38, 5, 0), EPERM),  # socket(AF_ALG, SOCK_SEQPACKET)
        (41, (40, 1, 0), EPERM),  # socket(AF_VSOCK, SOCK_STREAM)
        (250, (0, 0, 0), EPERM),  # keyctl
        (248, (0, 0, 0), EPERM),  # add_key
        (249, (0, 0, 0), EPERM),  # request_key
        (272, (CLONE_NEWUSER,), EPERM),  # unshare
        (56, (CLONE_NEWUSER | SIGCHLD,), EPERM),  # clone
        (435, (0, 0), ENOSYS),  # clone3
        (428, (0, 0, 0), EPERM),  # open_tree
        (430, (0, 0), EPERM),  # fsopen
        (442, (0, 0, 0), EPERM),  # mount_setattr
        (321, (0, 0, 0), EPERM),  # bpf
        (323, (0,), EPERM),  # userfaultfd
        (425, (1, 0), EPERM),  # io_uring_setup
        (298, (0, 0, 0), EPERM),  # perf_event_open
        (304, (0, 0, 0), EPERM),  # open_by_handle_at
    ],
)
def test_what_no_build_may(call: Callable[..., int], number: int, arguments: tuple[int, ...], code: int) -> None:
    assert call(number, *arguments) == code


@pytest.mark.parametrize(
    ("number", "arguments"), [(41, (2, 1, 0)), (41, (1, 1, 0)), (41, (16, 3, 0)), (39, ()), (135, (0xFFFFFFFF,))]
)
def test_what_every_build_may(call: Callable[..., int], number: int, arguments: tuple[int, ...]) -> None:
    """Sockets of IPv4, of Unix and of netlink, getpid, and asking for the personality."""
    assert call(number, *arguments) not in (EPERM, EINVAL, ENOSYS)


def test_what_insecure_means(call: Callable[..., int]) -> None:
    assert call(272, CLONE_NEWUSER, insecure=True) == 0
