"""An engine killed with SIGKILL at any moment of a build leaves a whole store, and the build then ends green."""

import hashlib
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.files import merging
from baselard.engine.ops.copy import Copy
from baselard.engine.ops.file import Chown, NewFile
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Output
from baselard.engine.store.database import Store

pytestmark = pytest.mark.root

STEPS = 120
BUILD = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, sys.argv[2])
from test_killed import nodes
from baselard.engine.files import merging
from baselard.engine.store import snapshots as snapshot
from baselard.engine.solver.evaluate import Evaluator, Flights
from baselard.engine.store.database import Store

class Shown:
    def started(self, key, label): print("ran", key, flush=True)
    def output(self, key, stream, data): ...
    def finished(self, key, *, cached, error="", label=""): ...

async def build(store):
    worker = SimpleNamespace(store=store, snapshots=merging.snapshots(store))
    with ThreadPoolExecutor(4) as executor:
        evaluator = Evaluator(store, Flights(), worker, Shown(), executor)
        for number, node in enumerate(nodes()):
            await evaluator.result(node)
            if number % 10 == 0:
                store.put_blob([b"blob %d" % number] * 1000)

snapshot.private_namespace()
store = Store.open(Path(sys.argv[1]))
print("ready", flush=True)
store.clean()
asyncio.run(build(store))
store.close()
print("green", flush=True)
"""


def nodes() -> "Iterator[NewFile | Copy | Chown]":
    """A chain that writes layers by hand, mounts, and copies out of itself."""
    last = Output(Scratch())
    for number in range(STEPS):
        if number % 3 == 0:
            node: NewFile | Copy | Chown = NewFile(last, f"/d/{number}", b"%d" % number)
        elif number % 3 == 1:
            node = Copy(last, last, f"/copy/{number}", "/d")
        else:
            node = Chown(last, "/d", str(number))
        yield node
        last = Output(node)


def expected(number: int) -> set[str]:
    """The files that the tree of step ``number`` holds."""
    written = range(0, number + 1, 3)
    copies = {f"copy/{copy}/{name}" for copy in range(1, number + 1, 3) for name in range(0, copy, 3)}
    return {f"d/{name}" for name in written} | copies


def start(root: Path) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-c", BUILD, str(root), str(Path(__file__).parent)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=Path.cwd())


def check_whole(root: Path) -> int:
    """Look at everything that is recorded; gives the number of steps that are."""
    store = Store.open(root)
    try:
        store.clean()
        assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        recorded = {store.snapshot(row[0]).name for row in store.db.execute("SELECT id FROM snapshots")}
        assert {path.name.partition(".")[0] for path in (root / "layers").iterdir()} <= recorded
        for (name,) in store.db.execute("SELECT digest FROM blobs").fetchall():
            assert "sha256:" + hashlib.sha256(store.blob_path(name).read_bytes()).hexdigest() == name
        assert {path.name for path in (root / "work").iterdir()} == {"all", store.engine, f"{store.engine}.lock"}
        return sum(check_step(store, number, node.key) for number, node in enumerate(nodes()))
    finally:
        store.close()


def check_step(store: Store, number: int, key: str) -> bool:
    result = store.lookup(key)
    if result is None:
        return False
    with merging.snapshots(store).view(result.values[0].tree) as root:  # type: ignore[arg-type]
        files = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}
    assert set(files) == expected(number)
    assert all(text == path.rpartition("/")[2] for path, text in files.items())
    return True


@pytest.mark.parametrize("kills", [8, pytest.param(50, marks=pytest.mark.full)])
def test_killed_at_random_and_then_green(_namespace: None, tmp_path: Path, kills: int) -> None:
    chance = random.Random(kills)
    root = tmp_path / "store"
    for _ in range(kills):
        build = start(root)
        assert build.stdout
        for _ in range(chance.randrange(1, STEPS // 8)):
            build.stdout.readline()
        build.send_signal(signal.SIGKILL)
        build.communicate()
    done = check_whole(root)
    build = start(root)
    output = build.communicate()[0]
    assert build.returncode == 0
    assert output.splitlines()[-1] == "green"
    assert output.count("ran") == STEPS - done, "what was recorded is not done again"
    assert check_whole(root) == STEPS
    assert str(root) not in Path("/proc/self/mountinfo").read_text()


def test_two_processes_share_the_work(_namespace: None, tmp_path: Path) -> None:
    builds = [start(tmp_path / "store") for _ in range(2)]
    outputs = [build.communicate()[0].splitlines() for build in builds]
    assert [output[-1] for output in outputs] == ["green", "green"]
    ran = [line for output in outputs for line in output if line.startswith("ran")]
    assert len(ran) == len(set(ran)) == STEPS, "each step ran once, in one of them"
    assert check_whole(tmp_path / "store") == STEPS


def test_a_process_that_dies_lets_the_other_go_on(_namespace: None, tmp_path: Path) -> None:
    """Its locks are the kernel's, so they go with it."""
    doomed, other = (start(tmp_path / "store") for _ in range(2))
    assert doomed.stdout
    for _ in range(10):
        doomed.stdout.readline()
    doomed.send_signal(signal.SIGKILL)
    doomed.communicate()
    assert other.communicate()[0].splitlines()[-1] == "green"
    assert check_whole(tmp_path / "store") == STEPS
