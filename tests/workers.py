"""Several processes run the tests, by pytest-xdist: how the tests are shared out, and what each process has alone."""

import contextlib
import os
import random
import socket
from collections.abc import Iterable
from pathlib import Path

NUMBER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + (5 if os.geteuid() else 0)
"""Which of them this is; 0 too where there is one process. A plain user's may run beside root's, so they count on."""

# What takes longest begins first, so that short files are left for who is done early.
_ORDER = ("e2e", "conformance", "integration", "security", "unit", "architecture")
_LONGEST = "tests/e2e/rootless/"  # a whole run of its own
_PORTS = range(10_000, 32_000)  # below those that Linux gives away itself (ip_local_port_range)
_EACH = 2_000


def wanted(chosen: Iterable[str], cores: int) -> int:
    """How many are worth their start for what a command line names, files and directories; 0: pytest's own alone."""
    files: set[Path] = set()
    for path in (Path(word.partition("::")[0]) for word in chosen):
        files |= set(path.rglob("test_*.py")) if path.is_dir() else {path}
    few = min(cores, len(files))
    return few if few > 1 else 0


def turn(nodeid: str) -> int:
    """When a test's file has its turn: a smaller number is earlier."""
    if nodeid.startswith(_LONGEST):
        return -1
    level = nodeid.split("/")[1]
    return _ORDER.index(level) if level in _ORDER else 0


def free_port() -> int:
    """A port of the loopback for a program that is told its port: no other worker is given it, nor any connection."""
    first = _PORTS.start + NUMBER * _EACH % len(_PORTS)
    while True:
        port = random.randrange(first, first + _EACH)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
