"""A tiny HTTP proxy that answers every request for Debian's archive with a redirect to the mirror this machine uses.

apt asks it because a container's apt.conf names it as the proxy for those hosts; nothing of the image is changed, and
sources that a program adds while it runs are served too.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping

from baselard.engine.run.networks import forward


@contextlib.contextmanager
def served(listener: socket.socket, redirects: Mapping[str, str]) -> Iterator[None]:
    """Answer on ``listener`` inside the block; ``redirects`` maps URL prefixes to others."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(answer(head.decode("latin-1"), redirects).encode("latin-1"))
                await writer.drain()

    with forward.serving(listener, accepted):
        yield


def answer(head: str, redirects: Mapping[str, str]) -> str:
    """The response to one request of a proxy's client, whose target is an absolute URL (RFC 9112, 3.2.2)."""
    words = head.split("\r\n", 1)[0].split(" ")
    for prefix in sorted(redirects, key=len, reverse=True):
        if len(words) == 3 and (words[1] + "/").startswith(prefix + "/"):
            location = redirects[prefix] + words[1].removeprefix(prefix)
            return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
