"""One engine for all conformance cases: ours, or with ``--engine=dagger`` a real one, asked the same questions."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUSYBOX = Path("/bin/busybox")
BUSYBOX_IMAGE = 'container{from(address:"busybox:1.37"){'
APPLETS = (
    "sh cat ls echo env id pwd mkdir touch true false sleep wc head rm stat printf seq tr sort grep find ln "
    "tar readlink hostname kill chmod sync df mount test httpd wget date dd yes expr cut"
).split()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=("baselard", "dagger"), default="baselard", help="which engine is asked")


@dataclass(frozen=True)
class Client:
    """Sends queries to the engine; ``busybox`` is a field of Query that gives a container with a shell."""

    http: httpx.Client
    url: str
    busybox: str
    directory: Path

    def ask(self, query: str) -> dict[str, Any]:
        """The whole JSON response."""
        response = self.http.post(self.url, json={"query": query})
        answer: dict[str, Any] = response.json()
        return answer


@pytest.fixture(scope="session")
def engine_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session's working directory on the host; its ``busybox`` is a root file system."""
    directory = tmp_path_factory.mktemp("client")
    rootfs = directory / "busybox"
    for name in ("bin", "etc", "tmp", "root", "home/user"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy2(BUSYBOX, rootfs / "bin/busybox") if BUSYBOX.exists() else None
    for applet in APPLETS:
        (rootfs / "bin" / applet).symlink_to("busybox")
    (rootfs / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/sh\n")
    (rootfs / "etc/group").write_text("root:x:0:\ngroup:x:1001:\nextra:x:1002:user\n")
    return directory


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest, engine_directory: Path) -> Iterator[Client]:
    name = request.config.getoption("--engine")
    argv = _program(name)
    store = engine_directory.parent / "store"
    environment = {**os.environ, "BASELARD_STORE": str(store), "PYTHONPATH": str(ROOT), "CONFORMANCE": "from the environment"}
    with (engine_directory.parent / "engine.log").open("wb") as log:
        engine = subprocess.Popen(
            argv, cwd=engine_directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    with engine:
        yield from _connected(engine, engine_directory, own=name == "baselard")
    assert engine.returncode == 0


def _connected(engine: "subprocess.Popen[bytes]", directory: Path, *, own: bool) -> Iterator[Client]:
    assert engine.stdout is not None
    line = engine.stdout.readline()
    if not line:
        pytest.fail((directory.parent / "engine.log").read_text()[-2000:])
    started = json.loads(line)
    token = base64.b64encode(f"{started['session_token']}:".encode()).decode()
    assert engine.stdin is not None
    with httpx.Client(headers={"authorization": f"Basic {token}"}, timeout=30) as http:
        client = Client(http, f"http://127.0.0.1:{started['port']}/query", BUSYBOX_IMAGE, directory)
        yield replace(client, busybox=_own_busybox(client)) if own else client
    engine.stdin.close()


def _own_busybox(client: Client) -> str:
    """A container made from this machine's busybox, since the tests reach no registry."""
    answer = client.ask('{host{directory(path:"busybox"){id}}}')
    return f'container{{withRootfs(directory:"{answer["data"]["host"]["directory"]["id"]}"){{'


def _program(name: str) -> list[str]:
    if name == "dagger":
        program = os.environ.get("_EXPERIMENTAL_DAGGER_CLI_BIN") or shutil.which("dagger")
        if not program:
            pytest.skip("there is no dagger program here: install it, or set _EXPERIMENTAL_DAGGER_CLI_BIN")
        return [program, "session"]
    if os.geteuid() != 0:
        pytest.skip("the engine mounts file systems, which needs root")
    if not BUSYBOX.exists():
        pytest.skip("there is no /bin/busybox: apt-get install busybox-static")
    return [sys.executable, "-m", "engine.cli", "session"]
