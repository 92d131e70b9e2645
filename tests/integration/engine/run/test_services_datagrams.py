"""A container that serves datagrams. The image has Perl for it, which every Debian has and which can listen on UDP."""

import re
import shutil
import socket
from pathlib import Path

import pytest

from baselard.engine.host import process
from baselard.engine.run.containers.command import Binding, Command
from baselard.engine.run.services.service import ContainerService, ServicePort, TunnelService
from baselard.engine.solver.evaluate import Value

pytestmark = pytest.mark.root

NOBODY_KNOWS = r"""
    use Socket;
    socket(S, PF_INET, SOCK_DGRAM, 0) and bind(S, sockaddr_in(53, INADDR_ANY)) or die $!;
    while (my $from = recv(S, my $query, 512, 0)) {
        substr($query, 2, 2) = "\x81\x83";
        send(S, $query, 0, $from);
    }
"""


@pytest.fixture(scope="session")
def perl(machine, busybox):
    """The busybox image with this machine's perl-base."""
    modules = Path(process.run(["perl", "-e", "print grep { /perl-base$/ } @INC"]).stdout.decode())
    libraries = re.findall(r"(/\S+) \(", process.run(["ldd", "/usr/bin/perl"]).stdout.decode())
    with machine.snapshots.draft(busybox.tree) as draft:
        for name in ["/usr/bin/perl", *libraries]:
            (draft.path / name[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, draft.path / name[1:])
        shutil.copytree(modules, draft.path / str(modules)[1:])
        return Value("perl", draft.commit())


@pytest.fixture
def names(output, perl):
    """A name server that knows no name."""
    command = Command(output(perl), ("/usr/bin/perl", "-e", NOBODY_KNOWS))
    return ContainerService(command, (ServicePort(53, "UDP"),))


def test_a_container_serves_datagrams_to_others(run, names):
    lookup = "busybox nslookup -type=a some.name $(busybox awk '/dns/ { print $1; exit }' /etc/hosts) 2>&1"
    ask = f"for try in 1 2 3 4 5; do {lookup} | busybox grep NXDOMAIN && break; done"
    assert "NXDOMAIN" in run(ask, bindings=(Binding("dns", names),)).stdout


def test_and_to_this_machine_by_a_tunnel(worker, names, perl):
    tunnel = TunnelService(names)
    running = worker.services.start(worker, tunnel, {output.key: perl for output in tunnel.inputs})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        query = b"ab\x01\x00" + bytes(8)
        assert _answer(asking, query, running.ports[0].port)[:4] == b"ab\x81\x83"


def _answer(asking: socket.socket, query: bytes, port: int) -> bytes:
    """A datagram that comes before the container listens is lost, as datagrams are; so ask again."""
    for _ in range(10):
        asking.sendto(query, ("127.0.0.1", port))
        try:
            return asking.recv(512)
        except (TimeoutError, ConnectionRefusedError):
            continue
    raise AssertionError("no answer to ten questions")
