"""Sockets that are made for containers."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from baselard.engine.run.mounts import listener_at


def test_a_socket_at_a_long_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    before = len(os.listdir("/proc/self/fd"))
    with ExitStack() as stack:
        listener = listener_at(deep / "s", stack)
        listener.listen()
        monkeypatch.chdir(deep)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("s")
    assert (deep / "s").is_socket()
    assert len(os.listdir("/proc/self/fd")) == before
