"""Machines of their own: a network namespace with interfaces, rules and routes, and engines that run there.

They have no apt-get, so that what is missing stays missing: with it, an engine would ask archives that none reaches.
"""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.run.networks import namespaces
from baselard.engine.run.networks.namespaces import Namespace
from tests.integration.engine.conftest import Client

OUTSIDE, OUTSIDE6 = "198.51.100.1", "2001:db8::1"  # RFC 5737, RFC 3849
_ENTER = """
set -e
mkdir -p "$1/cgroup"
mount --rbind /sys/fs/cgroup "$1/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$1/cgroup" /sys/fs/cgroup
touch "$1/none"
[ ! -e /usr/bin/apt-get ] || mount --bind "$1/none" /usr/bin/apt-get
eval "$2"
shift 2
exec "$@"
"""


@dataclass
class Machine:
    """A machine: ``namespace`` is its network, ``directory`` holds its engines' stores."""

    namespace: Namespace
    far: Namespace
    directory: Path

    def inside(self, act: Any) -> Any:
        """What ``act`` returns in the machine's network."""
        return namespaces.inside(self.namespace, act)

    def sh(self, line: str) -> str:
        """Run a shell line there; gives its output."""
        argv = ["sh", "-ec", f"PATH=$PATH:/usr/sbin:/sbin; {line}"]
        done = self.inside(lambda: subprocess.run(argv, check=True, capture_output=True, text=True))
        return str(done.stdout)

    def connect(self, mtu: int = 1500) -> None:
        """Give it a way out to a neighbour that says where it is on port 80, by IPv4 and IPv6."""
        self.sh(
            f"ip link add up0 mtu {mtu} type veth peer name far0; ip link set up0 addrgenmode none;"
            f"ip link set far0 addrgenmode none; ip link set far0 netns {self.far.path}"
        )
        ready = namespaces.inside(self.far, _neighbour)
        self.sh(
            f"ip addr add 198.51.100.2/24 dev up0; ip addr add 2001:db8::2/64 dev up0 nodad; ip link set up0 up;"
            f"ip route add default via {OUTSIDE}; ip -6 route add default via {OUTSIDE6}"
        )
        for server in ready:
            threading.Thread(target=_answer, args=(server,), daemon=True).start()

    def engine(self, name: str = "engine", change: str = "") -> Client:
        """An engine that runs there, after ``change`` was made to its file system, seen by nobody else."""
        place = self.directory / name
        place.mkdir(exist_ok=True)
        prefix = ("unshare", "--mount", "sh", "-c", _ENTER, "sh", str(place), change)
        return Client(place, prefix, self.inside)

    def state(self) -> dict[str, list[str]]:
        """Everything that engines change of a machine's network."""
        look = {
            "interfaces": "ip -o link | sed 's/ state [A-Z]* / /'",
            "addresses": "ip -o addr | sed 's/_lft [^ ]*//g'",
            "routes": "ip route show table all; ip -6 route show table all | sed 's/ expires.*//'",
            "rules": r"iptables-save | grep -e '^-' -e '^:.* - ' -e DROP || true",
            "rules6": r"ip6tables-save | grep -e '^-' -e '^:.* - ' -e DROP || true",
            "forwarding": "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding",
        }
        return {what: sorted(self.sh(line).splitlines()) for what, line in look.items()}


def _neighbour() -> list[socket.socket]:
    for line in (
        f"ip addr add {OUTSIDE}/24 dev far0",
        f"ip addr add {OUTSIDE6}/64 dev far0 nodad",
        "ip link set far0 up",
    ):
        subprocess.run(line.split(), check=True)
    return [
        socket.create_server((OUTSIDE, 80)),
        socket.create_server((OUTSIDE6, 80), family=socket.AF_INET6),
    ]


def _answer(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nfrom outside\n")


@pytest.fixture
def machine(tmp_path: Path, _own_mounts: None) -> Iterator[Machine]:
    """A machine with nothing but its loopback."""
    if not shutil.which("unshare"):
        pytest.skip("needs unshare: apt-get install util-linux")
    made = Machine(namespaces.create("machine"), namespaces.create("far"), tmp_path)
    yield made
    made.namespace.close()
    made.far.close()
