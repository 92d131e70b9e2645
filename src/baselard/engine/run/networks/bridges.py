"""An engine process's bridge: a free subnet, the interface, and the packet filter's rules that let it out.

All rules are set once, in one transaction, and carry the bridge's name, so the whole is gone after one more. While its
process lives, a bridge has a sign: a socket by its name in the same network (unix(7), abstract), which the kernel
closes with the process. So whoever comes later knows the bridges of the dead, whatever else of them is gone.
"""

import contextlib
import fcntl
import hashlib
import ipaddress
import json
import socket
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from baselard.engine.errors import HostError, ProcessError
from baselard.engine.host import process, rundir
from baselard.engine.store import locks
from baselard.oci.text import JSON

PREFIX = "bsl"
_SIGNED = f"{PREFIX}-"  # bridges of older versions, without a sign, are called otherwise
_STATE = "network.json"
_SIOCGIFMTU = 0x8921
_NETWORK = Path("/proc/self/ns/net")  # held to choose a subnet, since engines may have run directories apart
_FORWARDING = {4: Path("/proc/sys/net/ipv4/ip_forward"), 6: Path("/proc/sys/net/ipv6/conf/all/forwarding")}


@dataclass(frozen=True)
class Bridge:
    """The interface ``name`` with the first address of each subnet; ``subnet6`` where the machine has IPv6.

    ``outside`` tells why nothing gets out, or is "". ``sign`` is to be closed when the bridge is gone.
    """

    name: str
    subnet: IPv4Network
    mtu: int
    subnet6: IPv6Network | None = None
    outside: str = ""
    sign: socket.socket | None = field(default=None, repr=False, compare=False)

    @property
    def subnets(self) -> "list[IPv4Network | IPv6Network]":
        return [self.subnet, *([self.subnet6] if self.subnet6 else [])]


def set_up(run_dir: rundir.RunDir, beside: "Sequence[IPv4Network]" = ()) -> Bridge:
    """Make the bridge. What is about to be made is written to ``run_dir`` before it is. Raises HostError.

    ``beside`` are subnets that it must not have either, as of networks around this one.
    """
    name = _SIGNED + run_dir.name
    with contextlib.ExitStack() as failed:
        sign = failed.enter_context(_sign(name))
        with locks.exclusive(_NETWORK):
            subnet6 = _unique_subnet(run_dir.name) if _has_ipv6() else None
            bridge = Bridge(name, _free_subnet(beside), _mtu(), subnet6, sign=sign)
            _make(bridge, run_dir)
        failed.pop_all()
    return replace(bridge, outside=_open_the_way(bridge))


def _make(bridge: Bridge, run_dir: rundir.RunDir) -> None:
    (run_dir.path / _STATE).write_text(json.dumps(_state(bridge)))
    _ip_batch(
        f"link add name {bridge.name} address {_mac(run_dir.name)} mtu {bridge.mtu} type bridge forward_delay 0",
        *(f"addr add {net[1]}/{net.prefixlen} dev {bridge.name}{_no_wait(net)}" for net in bridge.subnets),
        f"link set {bridge.name} up",
    )


def forget(run_dir: rundir.RunDir) -> None:
    """Leave what ``set_up`` made to the namespace that it is in, which takes it along."""
    (run_dir.path / _STATE).unlink()


def tear_down(run_dir: rundir.RunDir) -> None:
    """Remove what ``set_up`` made, this process's or a dead one's; nothing happens when there is nothing."""
    try:
        state = json.loads((run_dir.path / _STATE).read_text())
    except (FileNotFoundError, ValueError):
        return
    with locks.exclusive(_NETWORK):
        _remove(state["bridge"], [ipaddress.ip_network(text) for text in state["subnets"]])
        if not any(known.startswith(PREFIX) for known in _links()):
            for path, value in state["forwarding"].items():
                if value == "0":
                    Path(path).write_text("0")
    (run_dir.path / _STATE).unlink()


def sweep() -> None:
    """Remove the bridges here whose process has ended, by what the machine knows of them."""
    if not any(name.startswith(_SIGNED) for name in _links()):
        return
    with locks.exclusive(_NETWORK):
        for name in _links():
            if name.startswith(_SIGNED) and not _is_signed(name):
                with contextlib.suppress(HostError, ProcessError, OSError):  # whoever needs the network is told
                    _remove(name, _subnets(name))


def _remove(name: str, subnets: "Sequence[IPv4Network | IPv6Network]") -> None:
    with ThreadPoolExecutor(3, "network") as pool:  # none waits for another, and each takes its time
        ends = [pool.submit(_remove_link, name)]
        ends += [pool.submit(_take_rules_away, name, subnet) for subnet in subnets]
    for end in ends:
        end.result()


def _subnets(name: str) -> "list[IPv4Network | IPv6Network]":
    """Those that the bridge has the first address of."""
    (link,) = _ip_json("addr", "show", "dev", name)
    addresses = (f"{row['local']}/{row['prefixlen']}" for row in link["addr_info"] if row["scope"] == "global")
    return [ipaddress.ip_interface(address).network for address in addresses]


def _sign(name: str) -> socket.socket:
    """Made before the bridge is. Raises HostError when another process has one of that name."""
    sign = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sign.bind(_address(name))
    except OSError as error:
        sign.close()
        raise HostError(f"the bridge {name} is another process's: {error.strerror}") from error
    return sign


def _is_signed(name: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
        return asking.connect_ex(_address(name)) == 0


def _address(name: str) -> str:
    return f"\0baselard/{name}"


def _links() -> list[str]:
    """The network devices of this namespace; /sys may show another one's."""
    return [name for _, name in socket.if_nameindex()]


def _remove_link(name: str) -> None:
    if name in _links():
        _ip_batch(f"link del {name}")


def _state(bridge: Bridge) -> dict[str, JSON]:
    """What has to be undone later; forwarding is put back when the last engine's bridge goes."""
    switches = {str(_FORWARDING[net.version]) for net in bridge.subnets}
    return {
        "bridge": bridge.name,
        "subnets": [str(net) for net in bridge.subnets],
        "forwarding": {path: Path(path).read_text().strip() for path in sorted(switches)},
    }


def _mac(name: str) -> str:
    """An address of the bridge's own, locally administered.

    Without one a bridge takes the lowest of its ports' and changes it as they come; who is attached by then goes on
    sending to the old one, and nothing gets out.
    """
    return "02:62:" + hashlib.sha256(name.encode()).digest()[:4].hex(":")


def _no_wait(subnet: "IPv4Network | IPv6Network") -> str:
    return " nodad" if subnet.version == 6 else ""


def _open_the_way(bridge: Bridge) -> str:
    """Let the bridge's packets out; returns what is missing, or ""."""
    if not process.which("iptables-restore"):
        return "iptables is not installed: containers reach each other but nothing outside; apt-get install iptables"
    try:
        with ThreadPoolExecutor(2, "network") as pool:  # the two packet filters know nothing of each other
            list(pool.map(lambda subnet: _let_out(bridge, subnet), bridge.subnets))
    except (OSError, ProcessError) as error:
        return f"packets cannot be forwarded ({error}): containers reach each other but nothing outside"
    return ""


def _let_out(bridge: Bridge, subnet: "IPv4Network | IPv6Network") -> None:
    _FORWARDING[subnet.version].write_text("1")
    _restore(subnet, rules(bridge.name, str(subnet), "-I"))


def _take_rules_away(name: str, subnet: "IPv4Network | IPv6Network") -> None:
    if not (program := process.which(_iptables(subnet))):
        return
    try:
        _restore(subnet, rules(name, str(subnet), "-D"))
    except ProcessError:
        # Its chain is asked for, not the whole filter, which a machine's other rules make as long as they like.
        if process.run_regardless([program, "--wait", "-S", name]).code == 0:
            raise


def rules(name: str, subnet: str, action: str) -> str:
    """The rules for iptables-restore(8). FORWARD comes first, because Docker's policy there is DROP.

    Containers reach the outside and their own bridge; other engines' bridges they do not.
    """
    note = f"-m comment --comment {name}"
    nat = f"{action} POSTROUTING -s {subnet} ! -o {name} {note} -j MASQUERADE"
    inward = f"{action} FORWARD -i {name} {note} -j {name}"
    outward = f"{action} FORWARD -o {name} {note} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    if action == "-D":
        return f"*nat\n{nat}\nCOMMIT\n*filter\n{inward}\n{outward}\n-F {name}\n-X {name}\nCOMMIT\n"
    chain = [f"-A {name} -o {name} -j ACCEPT", f"-A {name} -o {PREFIX}+ -j DROP", f"-A {name} -j ACCEPT"]
    lines = ["*nat", nat, "COMMIT", "*filter", f":{name} - [0:0]", *chain, inward, outward, "COMMIT", ""]
    return "\n".join(lines)


def _restore(subnet: "IPv4Network | IPv6Network", text: str) -> None:
    process.run([_iptables(subnet, "-restore"), "--wait", "--noflush"], stdin=text.encode())


def _iptables(subnet: "IPv4Network | IPv6Network", kind: str = "") -> str:
    name = f"ip6tables{kind}" if subnet.version == 6 else f"iptables{kind}"
    return process.which(name) or name


def _ip_batch(*commands: str) -> None:
    """Several ip(8) commands in one process. Raises HostError."""
    program = process.which("ip")
    if not program:
        raise HostError("the program ip is not installed; apt-get install iproute2")
    try:
        process.run([program, "-batch", "-"], stdin="\n".join(commands).encode())
    except ProcessError as error:
        raise HostError(f"the bridge cannot be made: {error}; CAP_NET_ADMIN is needed") from error


def _free_subnet(beside: "Sequence[IPv4Network]" = ()) -> IPv4Network:
    """The first private /20 that no route of this machine touches."""
    taken = [*routes(), *beside]
    for candidate in _candidates():
        if not any(candidate.overlaps(route) for route in taken):
            return candidate
    raise HostError("every private subnet is routed somewhere; free one of 10.64.0.0/10 or 172.16.0.0/12")


def _candidates() -> Iterator[IPv4Network]:
    for block in ("10.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"):
        yield from IPv4Network(block).subnets(new_prefix=20)


def _unique_subnet(name: str) -> IPv6Network:
    """A subnet of this engine's own among the unique local addresses (RFC 4193)."""
    digits = hashlib.sha256(name.encode()).hexdigest()
    return IPv6Network(f"fd{digits[:2]}:{digits[2:6]}:{digits[6:10]}:1::/64")


def _has_ipv6() -> bool:
    """Whether the machine reaches IPv6 by a route of its own (net/ipv6_route of proc(5), flags of linux/ipv6_route.h).

    A route learnt from router advertisements would be lost, since the kernel ignores those once it forwards.
    """
    if not process.which("ip6tables-restore"):
        return False
    try:
        lines = [line.split() for line in Path("/proc/thread-self/net/ipv6_route").read_text().splitlines()]
    except OSError:
        return False
    flags = [int(line[8], 16) for line in lines if set(line[0] + line[1]) == {"0"} and line[9] != "lo"]
    usable = [flag for flag in flags if flag & _RTF_UP and not flag & _RTF_REJECT]
    return bool(usable) and not any(flag & _RTF_ADDRCONF for flag in usable)


_ANYWHERE = "00000000"
_RTF_UP, _RTF_REJECT, _RTF_ADDRCONF = 0x1, 0x200, 0x40000


def routes() -> Iterator[IPv4Network]:
    """Every route but the default one, and the resolvers."""
    for entry in _ip_json("-4", "route", "show", "table", "all"):
        if entry["dst"] != "default":
            yield IPv4Network(entry["dst"], strict=False)


def _mtu() -> int:
    """The smallest MTU on the way out, so that packets leave unfragmented."""
    return min(map(_mtu_of, _ways_out()), default=1500)


def _ways_out() -> set[str]:
    """The devices of default routes (net/route of proc(5)); a star is none, but a route that refuses."""
    lines = Path("/proc/thread-self/net/route").read_text().splitlines()[1:]
    ways = [line.split() for line in lines]
    return {way[0] for way in ways if way[1] == way[7] == _ANYWHERE and way[0] != "*"}


def _mtu_of(device: str) -> int:
    """By netdevice(7), since /sys may show another namespace's devices."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, _SIOCGIFMTU, struct.pack("16si20x", device.encode(), 0))
    return int(struct.unpack("16si20x", answer)[1])


def _ip_json(*args: str) -> list[dict[str, Any]]:
    program = process.which("ip")
    if not program:
        raise HostError("the program ip is not installed; apt-get install iproute2")
    return json.loads(process.run([program, "-json", *args]).stdout or b"[]")  # type: ignore[no-any-return]
