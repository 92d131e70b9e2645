"""EXPOSE words → `port/protocol` (docker/go-connections nat.ParsePortSpecs)."""

from __future__ import annotations

PROTOCOLS = ("tcp", "udp", "sctp")
LAST_PORT = 65535


def parse_ports(word: str) -> list[str]:
    """The container ports of `port[/protocol]` or `first-last[/protocol]`; a host part before a colon is dropped."""
    numbers, slash, protocol = word.partition("/")
    container = numbers.rpartition(":")[2]
    if not container:
        raise ValueError(f"no port specified: {word}<empty>")
    if (slash and protocol.lower() not in PROTOCOLS) or "/" in protocol:
        raise ValueError(f"invalid proto: {protocol}")
    first, dash, last = container.partition("-")
    try:
        low, high = _port(first), _port(last if dash else first)
    except ValueError:
        raise ValueError(f"invalid containerPort: {container}") from None
    if low > high:
        raise ValueError(f"invalid containerPort: {container}")
    return [f"{port}/{protocol.lower() or 'tcp'}" for port in range(low, high + 1)]


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > LAST_PORT:
        raise ValueError(text)
    return int(text)
