"""The resident engine's process: waits for calls with everything imported, and forks for each of them.

It opens no store, runs no thread and works on nothing itself, so that a fork is what a fresh process would be.
"""

import contextlib
import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from baselard.resident import becoming, client, kind, versions, words
from baselard.resident.becoming import Prepared
from baselard.resident.versions import Stamp

IDLE = 300.0
"""Seconds without a call after which it ends."""


class UnderWay(NamedTuple):
    """A call: its process, 0 in that process itself, the channel to its client, and the file of what it tells."""

    process: int
    channel: socket.socket
    told: int


@dataclass
class Server:
    """An engine that listens at ``path``. A word on ``waking`` has it listen no more.

    ``calls`` are those under way by the descriptor of their process; ``learn`` gets what one of them tells at its end.
    """

    path: str
    listener: socket.socket
    waking: socket.socket
    version: frozenset[Stamp]
    idle: float = IDLE
    learn: Callable[[bytes], None] = lambda _: None
    poll: select.epoll = field(default_factory=select.epoll)
    calls: dict[int, UnderWay] = field(default_factory=dict)

    def serve(self) -> UnderWay | None:
        """Answer until nobody has called for a while and all calls have ended: then None comes back.

        In each fork, which is to run one call, that call comes back.
        """
        self.poll.register(self.listener, select.EPOLLIN)
        self.poll.register(self.waking, select.EPOLLIN)
        while self._listens or self.calls:
            ready = self.poll.poll(self.idle)
            if not ready and (not self.calls or not os.path.exists(self.path)):
                self._retire()
            numbers = {number for number, _ in ready}
            for channel in [call.channel for call in self.calls.values() if call.channel.fileno() in numbers]:
                self._hung_up(channel)
            for handle in numbers & self.calls.keys():
                self._ended(handle)
            if self.waking.fileno() in numbers:
                self.waking.recv(1)
                self._retire()
            if self.listener.fileno() in numbers and (accepted := self._accept()):
                return accepted  # last of all, since it may get the number of what was just closed
        return None

    @property
    def _listens(self) -> bool:
        return self.listener.fileno() >= 0

    def _accept(self) -> UnderWay | None:
        channel, _ = self.listener.accept()
        if not kind.is_own(channel):
            channel.close()
        elif self.version != versions.now():
            self._retire()
            channel.close()
        else:
            return self._forked(channel, os.memfd_create("told"))
        return None

    def _forked(self, channel: socket.socket, told: int) -> UnderWay | None:
        if process := os.fork():
            handle = os.pidfd_open(process)
            self.calls[handle] = UnderWay(process, channel, told)
            self.poll.register(handle, select.EPOLLIN)
            self.poll.register(channel, select.EPOLLRDHUP)
            return None
        self._leave()
        return UnderWay(process, channel, told)

    def _ended(self, handle: int) -> None:
        process, channel, told = self.calls.pop(handle)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if status < 0:
            with contextlib.suppress(OSError):
                channel.send(words.KILLED + bytes([-status]))
        os.close(handle)
        channel.close()
        with open(told, "rb") as file:
            file.seek(0)
            self.learn(file.read())

    def _hung_up(self, gone: socket.socket) -> None:
        """A client has gone, killed most likely, and what it began goes with it."""
        self.poll.unregister(gone)
        for handle, call in self.calls.items():
            if call.channel is gone:
                signal.pidfd_send_signal(handle, signal.SIGKILL)

    def _retire(self) -> None:
        """Listen no more, while what has begun goes on; who calls next starts another engine."""
        if not self._listens:
            return
        with client.locked(self.path), contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.listener.close()

    def _leave(self) -> None:
        """Give up, in a fork, what is the engine's alone."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setpgid(0, 0)
        self.poll.close()
        self.listener.close()
        self.waking.close()
        for handle, call in self.calls.items():
            os.close(handle)
            os.close(call.told)
            call.channel.close()


def main(path: str, version: frozenset[Stamp], prepare: Callable[[], Prepared]) -> None:
    """Serve at ``path``, and run one call in each fork. Does not return in these.

    ``version`` is what the files had before they were imported; ``prepare`` imports what calls need, and gives what
    runs one.
    """
    os.closerange(client.LISTENER + 1, os.sysconf("SC_OPEN_MAX"))
    os.chdir("/")
    listener = socket.socket(fileno=client.LISTENER)
    listener.set_inheritable(False)
    listener.listen()  # once more: who asks whose it is gets this process's number
    waking, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    own_kind, prepared = kind.of_this_process(), prepare()
    if call := Server(path, listener, waking, version, learn=prepared.learn).serve():
        try:
            woken.close()
            becoming.run(call.channel, own_kind, prepared, call.told)
        finally:
            os._exit(0)  # its client heard of the code
