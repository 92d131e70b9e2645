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

from baselard.resident import becoming, client, kind, versions, words
from baselard.resident.becoming import CommandLine
from baselard.resident.versions import Stamp

IDLE = 300.0
"""Seconds without a call after which it ends."""


@dataclass
class Server:
    """An engine that listens at ``path``. A word on ``waking`` has it listen no more.

    ``calls`` are those under way by the descriptor of their process: its number and its client's channel.
    """

    path: str
    listener: socket.socket
    waking: socket.socket
    version: frozenset[Stamp]
    idle: float = IDLE
    poll: select.epoll = field(default_factory=select.epoll)
    calls: dict[int, tuple[int, socket.socket]] = field(default_factory=dict)

    def serve(self) -> socket.socket | None:
        """Answer until nobody has called for a while and all calls have ended: then None comes back.

        In each fork, which is to run one call, the channel to its client comes back.
        """
        self.poll.register(self.listener, select.EPOLLIN)
        self.poll.register(self.waking, select.EPOLLIN)
        while self._listens or self.calls:
            ready = self.poll.poll(self.idle)
            if not ready and (not self.calls or not os.path.exists(self.path)):
                self._retire()
            numbers = {number for number, _ in ready}
            for channel in [channel for _, channel in self.calls.values() if channel.fileno() in numbers]:
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

    def _accept(self) -> socket.socket | None:
        channel, _ = self.listener.accept()
        if not kind.is_own(channel):
            channel.close()
        elif self.version != versions.now():
            self._retire()
            channel.close()
        elif process := os.fork():
            handle = os.pidfd_open(process)
            self.calls[handle] = (process, channel)
            self.poll.register(handle, select.EPOLLIN)
            self.poll.register(channel, select.EPOLLRDHUP)
        else:
            self._leave()
            return channel
        return None

    def _ended(self, handle: int) -> None:
        process, channel = self.calls.pop(handle)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if status < 0:
            with contextlib.suppress(OSError):
                channel.send(words.KILLED + bytes([-status]))
        os.close(handle)
        channel.close()

    def _hung_up(self, gone: socket.socket) -> None:
        """A client has gone, killed most likely, and what it began goes with it."""
        self.poll.unregister(gone)
        for handle, (_, channel) in self.calls.items():
            if channel is gone:
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
        for handle, (_, channel) in self.calls.items():
            os.close(handle)
            channel.close()


def main(path: str, version: frozenset[Stamp], prepare: Callable[[], CommandLine]) -> None:
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
    server, own_kind = Server(path, listener, waking, version), kind.of_this_process()
    command_line = prepare()
    if channel := server.serve():
        try:
            woken.close()
            becoming.run(channel, own_kind, command_line)
        finally:
            os._exit(0)  # its client heard of the code
