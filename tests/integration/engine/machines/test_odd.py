"""Odd machines: the engine works there, or says exactly what is missing; commands that need no network still run."""

import socket
import threading

import pytest

from tests.integration.engine.machines.conftest import OUTSIDE, OUTSIDE6

pytestmark = pytest.mark.root
WEB = 'withExposedPort(port:80){asService(args:["httpd","-f","-p","80","-h","/etc"]){id}}'
PAGE = 'withNewFile(path:"/etc/page",contents:"served")'
FETCH = 'withExec(args:["wget","-qO-","http://web/page"]){stdout}'


def ask(client, *steps):
    return client.ask(client.chain(*steps))


def sh(client, image, line):
    """What a shell line says in a container."""
    return client.value(*image, f'withExec(args:["sh","-c","{line}"])', "stdout")


def said(client):
    return (client.run.parent / "log").read_text()


def fetch_from_service(client, image):
    """The answer to a query that needs a service."""
    web = client.value(*image, PAGE, WEB)
    return ask(client, *image, f'withServiceBinding(alias:"web",service:"{web}")', FETCH)


def stdout(answer):
    value = answer["data"]
    while isinstance(value, dict):
        (value,) = value.values()
    return value


@pytest.fixture
def engine(machine, tree):
    """Start an engine on the machine; gives it and a container's first steps."""
    opened = []

    def engine(name="engine", change=""):
        opened.append(machine.engine(name, change))
        return opened[-1], opened[-1].container(tree)

    yield engine
    for client in opened:
        client.close()


def test_no_network_at_all(engine):
    client, image = engine()
    assert sh(client, image, "echo ran") == "ran\n"
    assert stdout(fetch_from_service(client, image)) == "served"


def test_no_iptables(machine, engine):
    machine.connect()
    change = 'mount --bind "$1/none" "$(command -v iptables-restore || echo /usr/sbin/iptables-restore)"'
    client, image = engine(change=change)
    assert sh(client, image, "echo ran") == "ran\n"
    assert stdout(fetch_from_service(client, image)) == "served"
    assert "apt-get install iptables" in said(client)


def test_no_cni_plugins(engine):
    client, image = engine(change="for p in /usr/lib/cni /opt/cni/bin; do [ ! -d $p ] || mount -t tmpfs none $p; done")
    assert sh(client, image, "echo ran") == "ran\n"
    (error,) = fetch_from_service(client, image)["errors"]
    assert "apt-get install containernetworking-plugins" in error["message"]


def test_every_private_subnet_is_busy(machine, engine):
    machine.connect()
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"):
        machine.sh(f"ip route add {net} via {OUTSIDE}")
    client, image = engine()
    assert sh(client, image, "echo ran") == "ran\n"
    (error,) = fetch_from_service(client, image)["errors"]
    assert "every private subnet" in error["message"]


def test_a_busy_subnet_is_left_alone(machine, engine):
    machine.connect()
    machine.sh(f"ip route add 10.64.0.0/16 via {OUTSIDE}")
    client, image = engine()
    assert " 10.65.0." in sh(client, image, "busybox ip -4 addr show eth0")
    assert sh(client, image, f"wget -qO- http://{OUTSIDE}/") == "from outside\n"


def test_forwarding_is_dropped_by_default(machine, engine):
    machine.connect()
    machine.sh("iptables -P FORWARD DROP; ip6tables -P FORWARD DROP")
    client, image = engine()
    assert sh(client, image, f"wget -qO- http://{OUTSIDE}/") == "from outside\n"
    assert sh(client, image, f"wget -qO- http://[{OUTSIDE6}]/") == "from outside\n"


def test_an_odd_mtu(machine, engine):
    machine.connect(mtu=1380)
    client, image = engine()
    assert sh(client, image, "cat /sys/class/net/eth0/mtu") == "1380\n"
    assert sh(client, image, f"wget -qO- http://{OUTSIDE}/") == "from outside\n"


def test_a_resolver_on_the_loopback(machine, engine):
    machine.connect()
    (machine.directory / "resolv.conf").write_text("nameserver 127.0.0.53\n")
    hidden = "[ ! -e /run/systemd/resolve ] || mount -t tmpfs none /run/systemd/resolve"
    with machine.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.53", 53))
        threading.Thread(target=_name_server, args=(server,), daemon=True).start()
        client, image = engine(change=f'mount --bind "$1/../resolv.conf" /etc/resolv.conf; {hidden}')
        assert sh(client, image, "wget -qO- http://site.test/") == "from outside\n"


def _name_server(server: socket.socket) -> None:
    """Answer every question for an A record with the neighbour's address, others with nothing (RFC 1035, 4.1)."""
    while True:
        try:
            query, peer = server.recvfrom(512)
        except OSError:
            return
        end = query.index(0, 12) + 5
        answers = query[end - 4 : end - 2] == b"\0\1"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(OUTSIDE) if answers else b""
        server.sendto(query[:2] + b"\x81\x80\0\1" + bytes([0, answers]) + b"\0\0\0\0" + query[12:end] + record, peer)


def test_sessions_do_not_reach_each_others_services(machine, engine):
    machine.connect()
    one, image = engine("one")
    other, image_there = engine("other")
    started = 'withExposedPort(port:80){asService(args:["httpd","-f","-p","80"]){withHostname(hostname:"web"){start}}}'
    one.value(*image, PAGE, started)
    address = sh(one, image, "grep web /etc/hosts").split()[0]
    reach = f"nc -w 1 {address} 80 </dev/null && echo reached || echo alone"
    assert sh(one, image, reach) == "reached\n"
    assert sh(other, image_there, reach) == "alone\n"
    assert sh(other, image_there, "grep web /etc/hosts || echo unknown") == "unknown\n"
