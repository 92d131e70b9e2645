"""What the suite needs around it: an engine for one session, and a registry that holds the test images."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conformance.dockerfile import base_image
from tests.workers import free_port

ALLOWED = "network.host"
ROOT = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def engine_session(name: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """The environment by which an SDK finds a freshly started engine; `name` is baselard or dagger."""
    environment = {**os.environ, "BASELARD_STORE": str(folder / "store"), "PYTHONPATH": str(ROOT)}
    environment["BASELARD_ALLOW"] = ALLOWED  # as the oracle's docker is asked to
    with (folder / "engine.log").open("wb") as log:
        engine = subprocess.Popen(
            _program(name), cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    assert engine.stdin is not None
    assert engine.stdout is not None
    try:
        line = engine.stdout.readline()
        if not line:
            pytest.fail((folder / "engine.log").read_text()[-3000:])
        started = json.loads(line)
        yield {"DAGGER_SESSION_PORT": str(started["port"]), "DAGGER_SESSION_TOKEN": started["session_token"]}
    finally:
        engine.stdin.close()
        engine.stdout.close()
        engine.wait()


def _program(name: str) -> list[str]:
    if name == "dagger":
        program = os.environ.get("_EXPERIMENTAL_DAGGER_CLI_BIN") or shutil.which("dagger")
        return [program or pytest.skip("there is no dagger program here"), "session"]
    return [sys.executable, "-m", "baselard.cli", "session"]


@contextlib.contextmanager
def registry_of_bases(folder: Path) -> Iterator[str]:
    """`localhost:PORT` of a registry with the test images; skips where Debian's docker-registry is missing."""
    program = shutil.which("docker-registry") or pytest.skip("docker-registry is not installed")
    skopeo = shutil.which("skopeo") or pytest.skip("skopeo is not installed")
    port = free_port()
    config = folder / "registry.yml"
    storage = {"filesystem": {"rootdirectory": str(folder / "registry")}}
    config.write_text(json.dumps({"version": "0.1", "storage": storage, "http": {"addr": f"127.0.0.1:{port}"}}))
    server = subprocess.Popen([program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        for name, archive in base_image.write_images(folder / "pushed").items():
            to = f"docker://localhost:{port}/{name}:latest"
            copy = [skopeo, "copy", "-q", "--dest-tls-verify=false", f"docker-archive:{archive}", to]
            subprocess.run(copy, check=True, capture_output=True)
        yield f"localhost:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int) -> None:
    """Return once something listens on the loopback port; fail the test after half a minute."""
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail("the registry did not start")
