"""A real worker on a store of its own, and a tiny image made from busybox-static."""

import base64
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.files import merging
from baselard.engine.host import process, rundir
from baselard.engine.ops.exec import Exec
from baselard.engine.run.containers import cgroups, runtimes
from baselard.engine.run.containers.command import Command
from baselard.engine.run.containers.host import HostEnvironment
from baselard.engine.run.containers.runtime import Runtime
from baselard.engine.run.networks.network import Network
from baselard.engine.run.services.session_services import SessionServices
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import snapshots
from baselard.engine.store.database import Store

PROGRAMS = """
    test sh true false cat ls env id mkdir echo sleep wget nc pwd rm mv touch stat head dd ps kill httpd
"""


@dataclass(frozen=True)
class Ready:
    """A node whose one value is there already."""

    made: Value
    inputs: tuple[Output, ...] = ()
    cached: bool = False
    label: str = "ready"
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest.of("ready.v1", self.made.digest))

    def content_key(self, worker: Any, inputs: Any) -> None:
        return None

    def run(self, worker: Any, inputs: Any) -> Result:
        return Result((self.made,))


@dataclass
class Log:
    """Progress kept for assertions."""

    written: list[tuple[int, bytes]] = field(default_factory=list)

    def started(self, key: str, label: str) -> None: ...

    def output(self, key: str, stream: int, data: bytes) -> None:
        self.written.append((stream, data))

    def span(self, span: Any) -> None: ...

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None: ...


@dataclass
class Secrets:
    known: dict[str, bytes] = field(default_factory=dict)

    def plaintext(self, handle: str) -> bytes:
        return self.known[handle]


@pytest.fixture(scope="session")
def _own_mounts() -> None:
    if not process.which("runc") or not Path("/usr/bin/tini-static").exists():
        pytest.skip("needs runc and tini: apt-get install runc tini")
    snapshots.private_namespace()
    assert not cgroups.make_writable()


@pytest.fixture(scope="session")
def machine(_own_mounts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One worker for all tests of a run; what they record is apart because their keys are."""
    root = tmp_path_factory.mktemp("engine")
    store = Store.open(root / "store")
    run_dir = rundir.open_run_dir(root / "run")
    network = Network(run_dir, lambda text: None)
    yield Worker(
        store, merging.snapshots(store), Runtime(run_dir), network, None, Secrets(), None, Log(), HostEnvironment()
    )
    network.close()
    run_dir.close()
    store.close()


@pytest.fixture(params=runtimes.NAMES)
def either_runtime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have containers run by this one; a test that asks for it is run with each."""
    if not process.which(request.param):
        pytest.skip(f"needs {request.param}: apt-get install {request.param}")
    monkeypatch.setenv("BASELARD_RUNTIME", request.param)
    return str(request.param)


@pytest.fixture
def worker(machine: Worker) -> Iterator[Worker]:
    """A worker as one session has it."""
    services = SessionServices()
    yield replace(machine, progress=Log(), secrets=Secrets(), services=services)
    services.close()


@pytest.fixture(scope="session")
def busybox(machine: Worker) -> Value:
    """A root file system with a shell, /etc/passwd and no mount points at all."""
    with machine.snapshots.draft(None) as draft:
        (draft.path / "bin").mkdir()
        shutil.copy(process.which("busybox") or "/bin/busybox", draft.path / "bin/busybox")
        for name in PROGRAMS.split():
            (draft.path / "bin" / name).symlink_to("busybox")
        (draft.path / "etc").mkdir()
        (draft.path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nbuilder:x:1000:1000::/home/b:/bin/sh\n")
        (draft.path / "etc/group").write_text("root:x:0:\nbuilder:x:1000:\ntools:x:77:builder\n")
        return Value("busybox", draft.commit())


@dataclass(frozen=True)
class Ran:
    """What a command in a container left."""

    worker: Worker
    result: Result

    @property
    def code(self) -> int:
        return int(self.result.data["exit"])

    def stream(self, name: str) -> str:
        return self.worker.store.blob_path(self.result.data[name]).read_bytes().decode()

    @property
    def stdout(self) -> str:
        return self.stream("stdout")

    def files(self, index: int = 0) -> dict[str, bytes | None]:
        """Every path of one output that is no program of the image; directories have no bytes."""
        with self.worker.snapshots.view(self.result.values[index].tree) as root:  # type: ignore[arg-type]
            found = {str(path.relative_to(root)): path for path in root.rglob("*") if not path.is_symlink()}
            return {name: path.read_bytes() if path.is_file() else None for name, path in found.items()}


@pytest.fixture
def output() -> Any:
    """Make an output of a value."""
    return lambda value: Output(Ready(value))


@pytest.fixture
def run(worker: Worker, busybox: Value) -> Any:
    """Run a shell line (or a tuple of arguments) in busybox; keyword arguments are Command's and Exec's fields."""

    def run(line: Any, *, on: Worker | None = None, **fields: Any) -> Ran:
        own = {name: fields.pop(name) for name in list(fields) if name in Exec.__dataclass_fields__}
        args = line if isinstance(line, tuple) else ("sh", "-c", line)
        node = Exec(Command(**{"rootfs": Output(Ready(busybox)), "args": args, **fields}), **own)
        used = on or worker
        return Ran(used, node.run(used, [source.node.made for source in node.inputs]))  # type: ignore[attr-defined]

    return run


Inside = Callable[[Callable[[], Any]], Any]
ROOT = Path(rundir.__file__).parents[3]


class Client:
    """A session of its own engine process, started by ``prefix``; ``inside`` is how its network is entered."""

    def __init__(self, directory: Path, prefix: Sequence[str] = (), inside: Inside = lambda act: act()) -> None:
        self.inside = inside
        self.patience = 60  # seconds until an answer has come
        self.run = directory / "run"
        places = {"BASELARD_STORE": str(directory / "store"), "BASELARD_RUN": str(self.run), "PYTHONPATH": str(ROOT)}
        self.log = (directory / "log").open("wb")
        self.child = inside(
            lambda: subprocess.Popen(
                [*prefix, sys.executable, "-m", "baselard.cli", "session"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
                env={**os.environ, **places},
            )
        )
        self.address = json.loads(self.child.stdout.readline())

    @property
    def headers(self) -> dict[str, str]:
        token = base64.b64encode(f"{self.address['session_token']}:".encode()).decode()
        return {"Authorization": f"Basic {token}", "Content-Type": "application/json"}

    def ask(self, query: str):
        url = f"http://127.0.0.1:{self.address['port']}/query"
        request = urllib.request.Request(url, json.dumps({"query": query}).encode(), self.headers)

        def answer():
            with urllib.request.urlopen(request, timeout=self.patience) as response:
                return json.load(response)

        return self.inside(answer)

    def get(self, query: str):
        """The innermost value of the answer."""
        answer = self.ask(query)
        assert "errors" not in answer, answer
        value = answer["data"]
        while isinstance(value, dict):
            (value,) = value.values()
        return value

    @staticmethod
    def chain(*steps: str) -> str:
        """A query of nested fields."""
        return "{" + "{".join(steps) + "}" * len(steps)

    def value(self, *steps: str):
        """The value at the end of a chain of fields."""
        return self.get(self.chain(*steps))

    def container(self, tree: Path) -> tuple[str, str]:
        """The first steps of a query whose container holds ``tree``."""
        given = self.get(f'{{host{{directory(path:"{tree}"){{id}}}}}}')
        return ("container", f'withDirectory(path:"/",source:"{given}")')

    def close(self) -> int:
        self.child.stdin.close()
        code = self.child.wait(60)
        self.child.stdout.close()
        self.log.close()
        return code


@pytest.fixture
def open_client(tmp_path: Path, _own_mounts: None) -> Any:
    """Start an engine process on this test's store; call ``close`` or end the process."""
    return lambda *args: Client(tmp_path, *args)


@pytest.fixture
def client(open_client: Any) -> Iterator[Client]:
    made = open_client()
    yield made
    made.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory of this machine with busybox in it."""
    path = tmp_path / "tree"
    (path / "bin").mkdir(parents=True)
    shutil.copy(process.which("busybox") or "/bin/busybox", path / "bin/busybox")
    for name in PROGRAMS.split():
        (path / "bin" / name).symlink_to("busybox")
    return path


@pytest.fixture
def image(client: Client, tree: Path) -> tuple[str, str]:
    """The first steps of a query: busybox as a container."""
    return client.container(tree)
