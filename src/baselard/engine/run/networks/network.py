"""Networks of containers: a pool of ready namespaces on one bridge, and the files that name hosts and resolvers.

CNI plugins attach (https://www.cni.dev/docs/spec/); namespaces return to the pool, like BuildKit's.
"""

import contextlib
import contextvars
import ipaddress
import itertools
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from baselard.engine.errors import EngineError, HostError
from baselard.engine.host import process
from baselard.engine.host.rundir import RunDir
from baselard.engine.run.networks import bridges, hub
from baselard.engine.run.networks import namespaces as network_namespace
from baselard.engine.run.networks.bridges import Bridge
from baselard.engine.run.networks.namespaces import Namespace

_PLUGINS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")
_KEPT = 3  # namespaces that are ready before anybody asks, at most
_RESOLV = Path("/etc/resolv.conf")
_UPSTREAM = Path("/run/systemd/resolve/resolv.conf")


@dataclass
class Network:
    """A session's network. Nothing of the machine is touched before the first namespace is asked for.

    As many are ready for the next container as others have been ``_lacking``: the first makes none ahead, since a
    session may have no other. ``missing`` tells why containers have none, as far as that is known.
    """

    run_dir: RunDir
    warn: Callable[[str], None]
    _free: list[Namespace] = field(default_factory=list)
    _used_up: list[Namespace] = field(default_factory=list)
    _lacking: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _set_up: threading.Lock = field(default_factory=threading.Lock)
    missing: str = ""
    _bridge: Bridge | None = None
    _hub: "hub.Hub | None" = None
    _broken: bool = False
    _closed: bool = False
    _filler: threading.Thread | None = None
    _warned: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def fill(self) -> None:
        """Make namespaces ahead, and give back the addresses of used ones, in the background."""
        with self._lock:
            if not self._closed and not (self._filler and self._filler.is_alive()):
                self._filler = threading.Thread(target=self._fill, name="network", daemon=True)
                self._filler.start()

    @contextlib.contextmanager
    def lease(self, *, reuse: bool = True) -> Iterator[Namespace]:
        """A namespace for one container, given back afterwards (closed unless ``reuse``)."""
        namespace = self.take()
        try:
            yield namespace
        finally:
            self.give_back(namespace, reuse=reuse)

    def take(self) -> Namespace:
        """A namespace of the pool, or a new one. With a machine that cannot do networks, loopback is all it has."""
        with self._lock:
            namespace = self._free.pop() if self._free else None
            self._lacking += namespace is None
        if namespace is None:
            # In a context of its own: whoever asks may be called off, the network must not be left half made.
            namespace = contextvars.Context().run(self._make)
            self.fill()
        return namespace

    def give_back(self, namespace: Namespace, *, reuse: bool = True) -> None:
        """Return a namespace that no process is in any more."""
        clean = reuse and namespace.address and network_namespace.is_pristine(namespace)
        with self._lock:
            (self._free if clean else self._used_up).append(namespace)
        if not clean:
            self.fill()

    def close(self) -> None:
        """Remove all of it from the machine. Namespaces still in use stay as long as their programs."""
        with self._lock:
            self._closed = True
            filler = self._filler
        if filler:
            filler.join()
        for namespaces in (self._free, self._used_up):
            while namespaces:
                namespaces.pop().close()
        if self._hub:
            self._hub.close()
        bridges.tear_down(self.run_dir)
        if self._bridge and self._bridge.sign:
            self._bridge.sign.close()

    @property
    def socket(self) -> "Callable[[int], socket.socket] | None":
        """What makes sockets that reach containers; None where any does."""
        return self._hub.socket if self._hub else None

    @property
    def inside(self) -> "network_namespace.Within | None":
        """The way to have a function reach containers; None where any does."""
        return self._hub.inside if self._hub else None

    def _fill(self) -> None:
        while not self._closed:
            with self._lock:
                done = self._used_up.pop() if self._used_up else None
                full = self._broken or len(self._free) >= min(_KEPT, self._lacking)
            if done:
                self._discard(done)
            elif full:
                return
            else:
                namespace = self._make()
                with self._lock:
                    self._free.append(namespace)

    def _make(self) -> Namespace:
        namespace = network_namespace.create(f"{self.run_dir.name}-{next(self._numbers)}")
        bridge = self._bridge_or_none()
        if bridge is None:
            return namespace
        try:
            return self._attach(namespace, bridge)
        except EngineError as error:
            self._do_without(error)
            return namespace

    def _bridge_or_none(self) -> Bridge | None:
        with self._set_up:
            if self._bridge is None and not self._broken:
                try:
                    self._bridge = self._made()
                except (EngineError, OSError) as error:
                    self._broken = True
                    self._do_without(error)
                if self._bridge and self._bridge.outside:
                    self._warn_once(self._bridge.outside)
            return self._bridge

    def _made(self) -> Bridge:
        """The bridge in the machine's own network, or in a hub where that cannot be changed."""
        if not hub.is_needed():
            return bridges.set_up(self.run_dir)
        around = list(bridges.routes())
        self._hub = opened = hub.opened(self.run_dir.path)
        bridge = opened.inside(partial(bridges.set_up, self.run_dir, around))
        bridges.forget(self.run_dir)
        return replace(bridge, outside=opened.outside or bridge.outside)

    def _do_without(self, error: Exception) -> None:
        self.missing = str(error)
        self._warn_once(f"containers have no network: {error}")

    def _warn_once(self, text: str) -> None:
        with self._lock:
            new = text not in self._warned
            self._warned.add(text)
        if new:
            self.warn(text)

    def _attach(self, namespace: Namespace, bridge: Bridge) -> Namespace:
        answer = json.loads(self._plugin("ADD", namespace, bridge))
        addresses = [ipaddress.ip_interface(entry["address"]).ip for entry in answer["ips"]]
        four = next((str(address) for address in addresses if address.version == 4), "")
        return replace(namespace, address=four)

    def _discard(self, namespace: Namespace) -> None:
        if namespace.address and self._bridge:
            with contextlib.suppress(EngineError):
                self._plugin("DEL", namespace, self._bridge)
        namespace.close()

    def _plugin(self, command: str, namespace: Namespace, bridge: Bridge) -> bytes:
        folder = _plugin_folder()
        env = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": namespace.name,
            "CNI_NETNS": namespace.path,
            "CNI_IFNAME": "eth0",
            "CNI_PATH": folder,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        }
        config = json.dumps(_cni_config(bridge, self.run_dir.path / "addresses")).encode()
        run = partial(process.run, [f"{folder}/bridge"], env=env, stdin=config)
        return (self._hub.inside(run) if self._hub else run()).stdout


def _cni_config(bridge: Bridge, addresses: Path) -> dict[str, object]:
    """The network's configuration for the bridge and host-local plugins; masquerading is network_bridge's."""
    return {
        "cniVersion": "0.4.0",
        "name": bridge.name,
        "type": "bridge",
        "bridge": bridge.name,
        "mtu": bridge.mtu,
        "isGateway": True,
        "ipam": {
            "type": "host-local",
            "dataDir": str(addresses),
            "ranges": [[{"subnet": str(subnet)}] for subnet in bridge.subnets],
            "routes": [{"dst": "::/0" if subnet.version == 6 else "0.0.0.0/0"} for subnet in bridge.subnets],
        },
    }


def _plugin_folder() -> str:
    for folder in _PLUGINS:
        if Path(folder, "bridge").exists():
            return folder
    raise HostError("the CNI plugins are not installed; apt-get install containernetworking-plugins")


def resolv_conf() -> str:
    """The container's resolv.conf: the host's, or its upstream's where the host's resolver is its own loopback."""
    text = _read(_RESOLV)
    if all(map(is_loopback, resolvers(text))) and (upstream := _read(_UPSTREAM)):
        return upstream
    return text


def hosts_file(hostname: str, names: Mapping[str, str]) -> str:
    """The container's /etc/hosts; ``names`` maps more names to addresses."""
    own = f"127.0.0.1\tlocalhost {hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    return own + "".join(f"{address}\t{name}\n" for name, address in names.items())


@dataclass(frozen=True)
class Hosts:
    """The /etc/hosts of a container that may be running: ``aliases`` stay, what else has a name comes and goes."""

    path: Path
    hostname: str
    aliases: Mapping[str, str]

    def write(self, others: Mapping[str, str]) -> None:
        """Write it in place, since the container has this very file mounted, and never empty, since it may be read."""
        text = hosts_file(self.hostname, {**others, **self.aliases}).encode()
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.pwrite(file, text, 0)
            os.ftruncate(file, len(text))
        finally:
            os.close(file)


def resolvers(text: str) -> list[str]:
    """The name servers of a resolv.conf (resolv.conf(5))."""
    words = (line.split() for line in text.splitlines())
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]


def is_loopback(server: str) -> bool:
    """Whether a name server is one of the machine's own, which containers do not see on their own loopback."""
    return server.startswith("127.") or server == "::1"


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
