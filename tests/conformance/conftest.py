"""One engine for all conformance cases: ours, or with ``--engine=dagger`` a real one, asked the same questions."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance.recording import Recorder
from tests.workers import free_port

ROOT = Path(__file__).resolve().parents[2]
BUSYBOX = Path("/bin/busybox")
_PATIENCE = 1800  # seconds; a Dagger engine takes its time when it first meets a module
BUSYBOX_IMAGE = 'container{from(address:"busybox:1.37"){'


@dataclass(frozen=True)
class Client:
    """Sends queries to the engine; ``busybox`` is a field of Query that gives a container with a shell.

    ``git`` is the URL of a git server on this machine with the repositories of ``directory``; ``real`` says that the
    engine is Dagger's.
    """

    http: httpx.Client
    url: str
    busybox: str
    directory: Path
    git: str
    real: bool = False

    @property
    def commit(self) -> str:
        """The repository's head."""
        argv = ["git", "-C", str(self.directory / "repository"), "rev-parse", "HEAD"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    def ask(self, query: str) -> dict[str, Any]:
        """The whole JSON response."""
        response = self.http.post(self.url, json={"query": query})
        answer: dict[str, Any] = response.json()
        return answer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="write down what a Dagger engine answers to the cases")


@pytest.fixture(scope="session")
def recorder(request: pytest.FixtureRequest) -> Iterator[Recorder | None]:
    """Where answers are written down, if that is wanted."""
    if not request.config.getoption("--record", default=False):
        yield None
        return
    if request.config.getoption("--engine") != "dagger":
        pytest.fail("--record writes down what a Dagger engine answers: add --engine=dagger")
    recorder = Recorder()
    yield recorder
    recorder.save()


@pytest.fixture(scope="session")
def client_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("client")


@pytest.fixture(scope="session")
def git_url(client_directory: Path) -> Iterator[str]:
    """A git server for the repositories in the client's directory: engines fetch from servers, not from paths."""
    port = free_port()
    argv = ["git", "daemon", "--reuseaddr", "--export-all", "--listen=127.0.0.1", f"--port={port}"]
    with subprocess.Popen([*argv, f"--base-path={client_directory}", client_directory]) as server:
        try:
            while server.poll() is None and not _open(port):
                time.sleep(0.02)
            yield f"git://127.0.0.1:{port}"
        finally:
            server.terminate()


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def engine_directory(client_directory: Path, git_url: str) -> Path:
    """The session's working directory on the host; its ``busybox`` is a root file system."""
    directory = client_directory
    rootfs = directory / "busybox"
    for name in ("bin", "etc", "tmp", "root", "home/user"):
        (rootfs / name).mkdir(parents=True)
    if BUSYBOX.exists():
        shutil.copy2(BUSYBOX, rootfs / "bin/busybox")
        listed = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout
        for applet in set(listed.split()) - {"busybox"}:
            (rootfs / "bin" / applet).symlink_to("busybox")
    (rootfs / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/sh\n")
    (rootfs / "etc/group").write_text("root:x:0:\ngroup:x:1001:\nextra:x:1002:user\n")
    _repository(directory / "repository")
    _with_submodule(directory / "outer", f"{git_url}/repository")
    _with_submodule(directory / "curious", f"file://{directory}/repository")
    _with_submodule(directory / "nested", f"{git_url}/repository", said="../../repository/.git")
    for name in ("plain", "checkout"):
        _ignoring(directory / name)
    (directory / "checkout/.git").mkdir()
    (directory / "coloured").mkdir()
    (directory / "coloured/a").write_text("1")
    os.setxattr(directory / "coloured/a", "user.colour", b"red")
    _module(directory)
    return directory


def _ignoring(path: Path) -> None:
    """A directory with an ignore file."""
    (path / "sub").mkdir(parents=True)
    (path / "out").mkdir()
    (path / ".gitignore").write_text("*.log\nout/\n")
    for name in ("a.log", "b", "sub/c.log", "sub/d", "out/e"):
        (path / name).touch()


def _with_submodule(path: Path, inner: str, said: str = "") -> None:
    """A repository with the other one in it, whose URL is ``said`` to be another."""
    steps = f"""
        git init -q -b main . && git config user.name n && git config user.email e@example.com
        git -c protocol.file.allow=always submodule --quiet add {inner} inner
        git config --file .gitmodules submodule.inner.url {said or inner}
        git add .gitmodules && git commit -q -m outer && git update-server-info
    """
    path.mkdir()
    subprocess.run(["sh", "-e", "-c", steps], cwd=path, check=True)


def _module(root: Path) -> None:
    """A Python module, so that the workspace has checks, generators and services."""
    shutil.copytree(Path(__file__).with_name("module"), root / "module", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "dagger.json").write_text(
        '{"name": "house", "engineVersion": "v0.21.8", "sdk": "python", "source": "module"}'
    )


def _repository(path: Path) -> None:
    """A git repository with two branches and tags."""
    steps = """
        git init -q -b main . && git config user.name n && git config user.email e@example.com
        echo first > a && git add a && git commit -q -m first && git tag v1.0.0 && git tag v1.2.0
        git checkout -q -b other && git commit -q --allow-empty -m other && git checkout -q main
        echo second > a && git commit -q -a -m second && git tag -a v1.10.0 -m annotated
        git update-server-info
    """
    path.mkdir()
    subprocess.run(["sh", "-e", "-c", steps], cwd=path, check=True)


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest, engine_directory: Path, git_url: str) -> Iterator[Client]:
    yield from _session(request, engine_directory, git_url)


@pytest.fixture
def another(request: pytest.FixtureRequest, client: Client) -> Iterator[Client]:
    """A second session of the same engine: for ours, on the same store."""
    yield from _session(request, client.directory, client.git)


def _session(request: pytest.FixtureRequest, engine_directory: Path, git_url: str) -> Iterator[Client]:
    name = request.config.getoption("--engine")
    argv = _program(name)
    store = engine_directory.parent / "store"
    own = {
        "BASELARD_STORE": str(store),
        "PYTHONPATH": str(ROOT),
        "CONFORMANCE": "from the environment",
        "GIT_CONFIG_GLOBAL": str(engine_directory.parent / "gitconfig"),
    }
    with (engine_directory.parent / "engine.log").open("wb") as log:
        engine = subprocess.Popen(
            argv,
            cwd=engine_directory,
            env={**{name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}, **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    with engine:
        yield from _connected(engine, engine_directory, git_url, own=name == "baselard")
    assert engine.returncode == 0 or name == "dagger"


def _connected(engine: "subprocess.Popen[bytes]", directory: Path, git: str, *, own: bool) -> Iterator[Client]:
    assert engine.stdout is not None
    line = engine.stdout.readline()
    if not line:
        pytest.fail((directory.parent / "engine.log").read_text()[-2000:])
    started = json.loads(line)
    token = base64.b64encode(f"{started['session_token']}:".encode()).decode()
    assert engine.stdin is not None
    with httpx.Client(headers={"authorization": f"Basic {token}"}, timeout=_PATIENCE) as http:
        client = Client(http, f"http://127.0.0.1:{started['port']}/query", BUSYBOX_IMAGE, directory, git)
        yield replace(client, busybox=_own_busybox(client)) if own else _with_modules(replace(client, real=True))
    engine.stdin.close()


def _with_modules(client: Client) -> Client:
    """The client once the workspace's module is there: a session whose module failed answers nothing any more."""
    answer = client.ask("{currentWorkspace{checks{list{name}}}}")
    if "errors" in answer:
        pytest.fail(f"the engine cannot load the cases' module: {answer['errors']}")
    return client


def _own_busybox(client: Client) -> str:
    """A container made from this machine's busybox, since the tests reach no registry."""
    answer = client.ask('{host{directory(path:"busybox"){id}}}')
    return f'container{{withRootfs(directory:"{answer["data"]["host"]["directory"]["id"]}"){{'


def _program(name: str) -> list[str]:
    if name == "dagger":
        program = os.environ.get("_EXPERIMENTAL_DAGGER_CLI_BIN") or shutil.which("dagger")
        if not program:
            pytest.skip("there is no dagger program here: install it, or set _EXPERIMENTAL_DAGGER_CLI_BIN")
        return [program, "session", "--load-workspace-modules"]
    if not BUSYBOX.exists():
        pytest.skip("there is no /bin/busybox: apt-get install busybox-static")
    return [sys.executable, "-m", "baselard.cli", "session", "--load-workspace-modules"]
