"""Forwarding of connections between a container's network and this machine: tunnels, host services, nested sessions.

A listening socket belongs to the network namespace it was made in; what it accepts is connected from the engine's own.
One event loop in one thread does it for the whole process.
"""

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]
Failed = Callable[[OSError], None]
Peer = tuple[str, int]
NewSocket = Callable[[int], socket.socket]
"""Makes a socket of a type, in the network of whom it shall reach."""
Accepted = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]
_CHUNK = 1 << 16
_IDLE = 60.0  # seconds after which a silent UDP peer is forgotten


def to_port(host: str, port: int, new: NewSocket | None = None) -> Connect:
    """Connect to a TCP port; with ``new``, by an IPv4 socket of its making."""

    async def connect() -> Streams:
        if new is None:
            return await asyncio.open_connection(host, port)
        return await asyncio.open_connection(sock=await _connected(new(socket.SOCK_STREAM), host, port))

    return connect


async def _connected(made: socket.socket, host: str, port: int) -> socket.socket:
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (host, port))
    except BaseException:
        made.close()
        raise
    return made


def to_socket(path: str) -> Connect:
    """Connect to a Unix socket of this machine."""
    return lambda: asyncio.open_unix_connection(path)


def listener(address: str, port: int, *, udp: bool = False) -> socket.socket:
    """A socket that listens at ``address``, in the network namespace of the thread that asks. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if not udp:
        return socket.create_server((address, port), family=family)
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    try:
        receiver.bind((address, port))
    except BaseException:
        receiver.close()
        raise
    return receiver


def lead(
    own: socket.socket, host: str, port: int, failed: Failed = lambda _: None, new: NewSocket | None = None
) -> contextlib.AbstractContextManager[None]:
    """Lead what arrives at a listener to ``port`` of ``host`` by the listener's own protocol, inside the block.

    ``failed`` is told why a connection could not be led there; ``new`` makes the sockets that lead there.
    """
    return udp(own, host, port, new) if own.type == socket.SOCK_DGRAM else tcp(own, to_port(host, port, new), failed)


@contextlib.contextmanager
def tcp(listener: socket.socket, connect: Connect, failed: Failed = lambda _: None) -> Iterator[None]:
    """Forward what ``listener`` (TCP or Unix, listening) accepts, inside the block; open connections end with it."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await _join((reader, writer), connect, failed)

    with serving(listener, accepted):
        yield


@contextlib.contextmanager
def serving(listener: socket.socket, accepted: Accepted) -> Iterator[None]:
    """Have every connection that ``listener`` accepts handled, inside the block; open ones end with it."""
    tasks: set[asyncio.Task[None]] = set()
    stopped = threading.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if stopped.is_set():  # it was being accepted when the block ended
            writer.transport.abort()
            return
        task = asyncio.current_task()
        if task:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await accepted(reader, writer)
        finally:
            writer.close()

    async def start() -> asyncio.Server:
        if listener.family == socket.AF_UNIX:
            return await asyncio.start_unix_server(handle, sock=listener)
        return await asyncio.start_server(handle, sock=listener)

    async def stop() -> None:
        stopped.set()
        asyncio.get_running_loop().remove_reader(listener)
        await asyncio.sleep(0)  # what is just being accepted must still meet an open server (CPython 3.11 leaks it)
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = _in_loop(start())
    try:
        yield
    finally:
        _in_loop(stop())


@contextlib.contextmanager
def udp(receiver: socket.socket, host: str, port: int, new: NewSocket | None = None) -> Iterator[None]:
    """Forward the datagrams that ``receiver`` (UDP, bound) gets, inside the block, and the answers."""

    async def start() -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        return (await loop.create_datagram_endpoint(lambda: _Datagrams(host, port, new), sock=receiver))[0]

    async def stop() -> None:
        transport.close()

    transport = _in_loop(start())
    try:
        yield
    finally:
        _in_loop(stop())


async def _join(one: Streams, connect: Connect, failed: Failed) -> None:
    """Connect, then copy in both directions until both sides have said all."""
    try:
        other = await connect()
    except BaseException as error:
        if isinstance(error, OSError):
            failed(error)
        one[1].transport.abort()
        raise
    try:
        await asyncio.gather(_copy(one[0], other[1]), _copy(other[0], one[1]))
    finally:
        other[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


@dataclass
class _Datagrams(asyncio.DatagramProtocol):
    """Gives each peer a socket of its own towards the target, so that answers find back."""

    host: str
    port: int
    new: NewSocket | None = None
    peers: dict[Peer, "asyncio.Task[_Answers]"] = field(default_factory=dict)
    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        if addr not in self.peers:
            self.peers[addr] = asyncio.create_task(self._open(addr))
        self.peers[addr].add_done_callback(functools.partial(_send, data))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        for task in list(self.peers.values()):
            task.add_done_callback(_close)

    async def _open(self, addr: Peer) -> "_Answers":
        loop = asyncio.get_running_loop()
        answers = _Answers(functools.partial(self._answer, addr), functools.partial(self.peers.pop, addr, None))
        if self.new is None:
            await loop.create_datagram_endpoint(lambda: answers, remote_addr=(self.host, self.port))
        else:
            made = await _connected(self.new(socket.SOCK_DGRAM), self.host, self.port)
            await loop.create_datagram_endpoint(lambda: answers, sock=made)
        return answers

    def _answer(self, addr: Peer, data: bytes) -> None:
        if self.transport:
            self.transport.sendto(data, addr)


@dataclass
class _Answers(asyncio.DatagramProtocol):
    """The socket towards the target for one peer; it goes when the peer has been silent for a while."""

    answer: Callable[[bytes], object]
    forget: Callable[[], object]
    transport: asyncio.DatagramTransport | None = None
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: Peer) -> None:  # noqa: ARG002
        self.answer(data)

    def send(self, data: bytes) -> None:
        if self.timer:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(_IDLE, self.close)
        if self.transport:
            self.transport.sendto(data)

    def close(self) -> None:
        self.forget()
        if self.timer:
            self.timer.cancel()
        if self.transport:
            self.transport.close()


def _send(data: bytes, opened: "asyncio.Task[_Answers]") -> None:
    if not opened.exception():
        opened.result().send(data)


def _close(opened: "asyncio.Task[_Answers]") -> None:
    if not opened.exception():
        opened.result().close()


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="forward", daemon=True).start()
    return loop


def _in_loop(work: Coroutine[None, None, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()
