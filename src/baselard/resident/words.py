"""The words of client and engine on their socket (unix(7)), and the call that is handed over."""

from __future__ import annotations

import marshal
import socket
import struct

TYPE_CHECKING = False  # see baselard.resident.client
if TYPE_CHECKING:
    from collections.abc import Sequence

TAKEN = b"y"
"""The engine's word that the call can begin; a descriptor of its process comes along (pidfd_open(2))."""
BEGIN = b"b"
"""The client's word that it may, since signals are passed on from now."""
ALONE = b"a"
"""The call is one that needs the client's own terminal: to be run without an engine; nothing was done."""
ENDED = b"c"
"""The call has ended; its exit code follows."""
KILLED = b"s"
"""A signal ended the call's process; its number follows."""
_LENGTH = struct.Struct("!Q")
_MOST_DESCRIPTORS = 253  # SCM_MAX_FD


class HandedOver:
    """A command line and what its process had: ``descriptors`` are their numbers there, ``ignored`` signals' numbers.

    ``kind`` is that of baselard.resident.kind.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- a dataclass would load half of Python
        self,
        kind: bytes,
        argv: list[str],
        environ: dict[bytes, bytes],
        umask: int,
        descriptors: list[int],
        ignored: list[int],
    ) -> None:
        self.kind = kind
        self.argv = argv
        self.environ = environ
        self.umask = umask
        self.descriptors = descriptors
        self.ignored = ignored


def hand_over(channel: socket.socket, call: HandedOver, descriptors: Sequence[int]) -> None:
    """Send a call with descriptors: of the working directory, then those it names. Raises OSError."""
    told = (call.kind, call.argv, call.environ, call.umask, call.descriptors, call.ignored)
    data = marshal.dumps(told)
    socket.send_fds(channel, [_LENGTH.pack(len(data))], descriptors)
    channel.sendall(data)


def take(channel: socket.socket) -> tuple[HandedOver, list[int]]:
    """The call that a client sent, and its descriptors. Raises OSError where it hung up before it was done."""
    head, descriptors, _, _ = socket.recv_fds(channel, _LENGTH.size, _MOST_DESCRIPTORS)
    (left,) = _LENGTH.unpack(head + _exactly(channel, _LENGTH.size - len(head)))
    return HandedOver(*marshal.loads(_exactly(channel, left))), descriptors  # noqa: S302 -- the same user sent it


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = channel.recv(min(size - len(data), 1 << 20))
        if not more:
            raise ConnectionError("the client hung up")
        data += more
    return bytes(data)
