"""An engine process's bridge: a free subnet, the interface, and the packet filter's rules that let it out.

All rules are set once, in one transaction, and carry the bridge's name, so the whole is gone after one more.
"""

import ipaddress
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import process, rundir
from engine.errors import HostError
from engine.process import ProcessError

PREFIX = "bsl"
_STATE = "network.json"
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True)
class Bridge:
    """The interface ``name`` with the first address of ``subnet``; ``outside`` tells why nothing gets out, or is ""."""

    name: str
    subnet: ipaddress.IPv4Network
    mtu: int
    outside: str = ""

    @property
    def gateway(self) -> str:
        return str(self.subnet[1])


def set_up(run_dir: rundir.RunDir) -> Bridge:
    """Make the bridge. What is about to be made is written to ``run_dir`` before it is. Raises HostError."""
    with rundir.exclusive(run_dir.path.parent):
        bridge = Bridge(PREFIX + run_dir.name, _free_subnet(), _mtu())
        state = {"bridge": bridge.name, "subnet": str(bridge.subnet), "forward": _FORWARD.read_text().strip()}
        (run_dir.path / _STATE).write_text(json.dumps(state))
        _ip_batch(
            f"link add name {bridge.name} mtu {bridge.mtu} type bridge forward_delay 0",
            f"addr add {bridge.gateway}/{bridge.subnet.prefixlen} dev {bridge.name}",
            f"link set {bridge.name} up",
        )
    return Bridge(bridge.name, bridge.subnet, bridge.mtu, _open_the_way(bridge))


def tear_down(run_dir: rundir.RunDir) -> None:
    """Remove what ``set_up`` made, this process's or a dead one's; nothing happens when there is nothing."""
    try:
        state = json.loads((run_dir.path / _STATE).read_text())
    except (FileNotFoundError, ValueError):
        return
    name = state["bridge"]
    if Path("/sys/class/net", name).exists():
        _ip_batch(f"link del {name}")
    with rundir.exclusive(run_dir.path.parent):
        present = process.run([_iptables("save")], check=False).stdout.decode() if process.which("iptables") else ""
        if f":{name} " in present:
            _restore(_rules(name, state["subnet"], "-D"))
        others = [entry for entry in Path("/sys/class/net").iterdir() if entry.name.startswith(PREFIX)]
        if state["forward"] == "0" and not others:
            _FORWARD.write_text("0")
    (run_dir.path / _STATE).unlink()


def _open_the_way(bridge: Bridge) -> str:
    """Let the bridge's packets out; returns what is missing, or ""."""
    if not process.which("iptables-restore"):
        return "iptables is not installed: containers reach each other but nothing outside; apt-get install iptables"
    try:
        _FORWARD.write_text("1")
        _restore(_rules(bridge.name, str(bridge.subnet), "-I"))
    except (OSError, ProcessError) as error:
        return f"packets cannot be forwarded ({error}): containers reach each other but nothing outside"
    return ""


def _rules(name: str, subnet: str, action: str) -> str:
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


def _restore(rules: str) -> None:
    process.run([_iptables("restore"), "--wait", "--noflush"], stdin=rules.encode())


def _iptables(kind: str) -> str:
    return process.which(f"iptables-{kind}") or f"iptables-{kind}"


def _ip_batch(*commands: str) -> None:
    """Several ip(8) commands in one process. Raises HostError."""
    program = process.which("ip")
    if not program:
        raise HostError("the program ip is not installed; apt-get install iproute2")
    try:
        process.run([program, "-batch", "-"], stdin="\n".join(commands).encode())
    except ProcessError as error:
        raise HostError(f"the bridge cannot be made: {error}; CAP_NET_ADMIN is needed") from error


def _free_subnet() -> ipaddress.IPv4Network:
    """The first private /20 that no route of this machine touches."""
    taken = list(_routes())
    for candidate in _candidates():
        if not any(candidate.overlaps(route) for route in taken):
            return candidate
    raise HostError("every private subnet is routed somewhere; free one of 10.64.0.0/10 or 172.16.0.0/12")


def _candidates() -> Iterator[ipaddress.IPv4Network]:
    for block in ("10.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"):
        yield from ipaddress.IPv4Network(block).subnets(new_prefix=20)


def _routes() -> Iterator[ipaddress.IPv4Network]:
    """Every route but the default one, and the resolvers."""
    for entry in _ip_json("-4", "route", "show", "table", "all"):
        if entry["dst"] != "default":
            yield ipaddress.IPv4Network(entry["dst"], strict=False)


def _mtu() -> int:
    """The smallest MTU on the way out, so that packets leave unfragmented."""
    devices = {entry["dev"] for entry in _ip_json("-4", "route", "show", "default") if "dev" in entry}
    sizes = [int(Path("/sys/class/net", device, "mtu").read_text()) for device in devices]
    return min(sizes, default=1500)


def _ip_json(*args: str) -> list[dict[str, Any]]:
    program = process.which("ip")
    if not program:
        raise HostError("the program ip is not installed; apt-get install iproute2")
    return json.loads(process.run([program, "-json", *args]).stdout or b"[]")  # type: ignore[no-any-return]
