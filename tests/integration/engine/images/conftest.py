"""A store, and Debian's docker-registry on loopback: open, guarded, or behind a proxy that misbehaves."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baselard.engine.store.database import Store
from tests.registry_servers import Proxy, Server, running_proxy, running_registry


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs one of the programs below judges/, which are built from the reference libraries of the specifications."""
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin") or pytest.skip("there is no go here")
    place = tmp_path_factory.mktemp("judges")
    source = shutil.copytree(Path(__file__).with_name("judges"), place / "source")
    subprocess.run([go, "build", "-o", place, "./..."], cwd=source, check=True, env={**os.environ, "CGO_ENABLED": "0"})

    def run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([place / name, *arguments], check=False, capture_output=True, text=True)

    return run


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_registry(tmp_path / "registry") as running:
        yield running


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """With TLS by an authority of its own, which is trusted here, and a password."""
    with running_registry(tmp_path / "guarded", tls=True, auth=True) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.certificate))
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.delenv("DOCKER_CONFIG", raising=False)
        yield running


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with running_proxy(server) as running:
        yield running
