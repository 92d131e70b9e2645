"""Debian's docker-registry on loopback, with a root of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_CONFIG = "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: /none\n"


@contextlib.contextmanager
def running(root: Path) -> Iterator[str]:
    """An empty registry inside this block; the host and port by which references name it.

    Raises RuntimeError when it is not installed or does not start.
    """
    program = shutil.which("docker-registry")
    if not program:
        raise RuntimeError("docker-registry is not installed; apt-get install docker-registry")
    port = _free_port()
    root.mkdir()
    (root / "config.yml").write_text(_CONFIG)
    env = {
        "PATH": os.environ["PATH"],
        "REGISTRY_HTTP_ADDR": f"127.0.0.1:{port}",
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(root / "data"),
    }
    with (root / "log").open("wb") as log:
        child = subprocess.Popen([program, "serve", root / "config.yml"], env=env, stdout=log, stderr=log)
    try:
        _wait(port, child, root / "log")
        yield f"localhost:{port}"
    finally:
        child.terminate()
        child.wait()


def _wait(port: int, child: "subprocess.Popen[bytes]", log: Path) -> None:
    while child.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError(f"docker-registry did not start:\n{log.read_text()}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
