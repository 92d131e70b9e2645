"""A plain user's way out: a network namespace for the bridge, which slirp4netns(1) or pasta(1) joins to the machine's.

Nobody but root may put a bridge into the machine's own network. The helper has a pipe from this process on its standard
input and ends with it, however this process ends; the namespace goes with its last descriptor.
"""

import contextlib
import fcntl
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from baselard.engine.errors import HostError
from baselard.engine.host import process, wayout
from baselard.engine.run.networks import namespaces
from baselard.engine.run.networks.namespaces import Namespace
from baselard.engine.store import ids, mounting

T = TypeVar("T")
_NS_GET_USERNS = 0xB701  # ioctl_nsfs(2)
_MS_BIND = 0x1000
_PATIENCE = 20.0  # seconds until a helper has to be ready
_PLACE = "hub"
# pasta goes into the background when all is ready. It is some other user's then, so that only its number is left.
_WATCH = '"$@" >&2 && echo ready && read _; kill "$(cat "$0")"'


def is_needed() -> bool:
    """Whether this process may not change the network that it is in, as in a plain user's namespace."""
    if ids.are_all():
        return False
    network = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        owner = fcntl.ioctl(network, _NS_GET_USERNS)
    except OSError:
        return True
    finally:
        os.close(network)
    try:
        return not os.path.samestat(os.fstat(owner), os.stat("/proc/self/ns/user"))
    finally:
        os.close(owner)


@dataclass
class Hub:
    """A namespace that is reached by ``inside``; ``outside`` tells why nothing gets out of it, or is ""."""

    namespace: Namespace
    directory: Path
    outside: str = ""
    _helper: "_Helper | None" = None

    def inside(self, function: Callable[[], T]) -> T:
        """What ``function`` returns when its thread, and what it starts, is in there."""
        return namespaces.inside(self.namespace, function)

    def socket(self, kind: int) -> socket.socket:
        """A new IPv4 socket in there, of type ``kind``."""
        return self.inside(lambda: socket.socket(socket.AF_INET, kind))

    def close(self) -> None:
        """Let go of it; what is still inside keeps it until it ends."""
        if self._helper:
            self._helper.close()
        with contextlib.suppress(OSError):  # pasta's alone
            mounting.unmount(self.directory / _PLACE)
        self.namespace.close()


def opened(directory: Path) -> Hub:
    """A new hub; ``directory`` is this process's own. Raises HostError where there can be no namespace."""
    hub = Hub(namespaces.create("hub"), directory)
    try:
        hub._helper = _started(hub.namespace, directory)
    except HostError as error:
        hub.outside = f"containers reach each other but nothing outside: {error}"
    return hub


def _started(namespace: Namespace, directory: Path) -> "_Helper":
    if missing := wayout.lacking():
        raise HostError(missing)
    said = []
    for name in wayout.helpers():
        helper = _Helper.of(_HELPERS[name](namespace, directory))
        if helper.is_ready():
            return helper
        helper.close()
        said.append(f"{name} says: {helper.said}")
    raise HostError("; ".join(said))


def _slirp(namespace: Namespace, _: Path) -> list[str]:
    fixed = ("--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=1", "--exit-fd=0")
    return ["slirp4netns", *fixed, "--netns-type=path", namespace.path, "tap0"]


def _pasta(namespace: Namespace, directory: Path) -> list[str]:
    """It changes its user before it opens the namespace, so that this has to be a file and no descriptor."""
    place, number = directory / _PLACE, directory / "pasta.pid"
    place.touch()
    mounting.mount(f"/proc/self/fd/{namespace.fd}", place, "", _MS_BIND)
    closed = [word for kind in ("-t", "-u", "-T", "-U") for word in (kind, "none")]
    options = ["--config-net", "--quiet", "--no-map-gw", *closed, "--pid", str(number), "--netns-only"]
    return ["sh", "-c", _WATCH, str(number), "pasta", *options, "--netns", str(place)]


_HELPERS: "dict[str, Callable[[Namespace, Path], list[str]]]" = {"slirp4netns": _slirp, "pasta": _pasta}


@dataclass
class _Helper:
    """A program that writes to its standard output when it is ready, and ends with its standard input."""

    child: "subprocess.Popen[bytes]"
    hold: IO[bytes]
    _ready: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _said: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, command: Sequence[str]) -> "_Helper":
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as end:
            helper = cls(process.spawn(command, stdin=end), os.fdopen(writing, "wb"))
        threading.Thread(target=helper._listen, name="hub", daemon=True).start()
        return helper

    @property
    def said(self) -> str:
        """The end of what it wrote to its standard error."""
        return b"".join(self._said).decode(errors="replace").strip()[-300:] or "nothing"

    def is_ready(self) -> bool:
        """Wait until it is; whether it has not ended instead."""
        self._ready.wait(_PATIENCE)
        return not self._ended.is_set() and self._ready.is_set()

    def close(self) -> None:
        self.hold.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(_PATIENCE)
        process.kill(self.child)
        self.child.wait()
        self._ended.wait(_PATIENCE)

    def _listen(self) -> None:
        with self.child:  # which closes its streams
            process.pump(self.child, self._heard)
        self._ended.set()
        self._ready.set()

    def _heard(self, stream: int, data: bytes) -> None:
        if stream == process.STDOUT:
            self._ready.set()
        elif sum(map(len, self._said)) < 1 << 16:
            self._said.append(data)
