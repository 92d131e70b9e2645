"""Killed before any of its operations, and on a disk that fills at any of them: the store is sound and nothing is left.

killed.py counts the operations of a small build. By default some of them are tried, ``--full`` tries all of them.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.host import doctor
from baselard.engine.store.collect import disk_usage
from tests.integration.engine.conftest import PROGRAMS

pytestmark = pytest.mark.root

PROGRAM = Path(__file__).with_name("killed.py")
ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = """FROM scratch AS one
COPY bin /bin
ENV PATH=/bin
RUN --network=none --mount=type=cache,target=/c echo one > /made && echo x >> /c/seen
FROM one
COPY --from=one --chown=5:6 /made /copied
RUN --network=none cat /made /copied && rm /made && ln -s /copied /link
"""
KILLED, TOLD = -9, 2


@dataclass(frozen=True)
class Place:
    """Where one store is used: ``context`` is what is built."""

    root: Path
    context: Path

    def start(self, point: int = 0, *disk: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run killed.py; ``disk`` is the size of a small one, and where a copy of it is to be."""
        names = {"BASELARD_STORE": "store", "BASELARD_RUN": "run", "BASELARD_CACHE": "cache", "TMPDIR": "tmp"}
        (self.root / "tmp").mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        env |= {variable: str(self.root / name) for variable, name in names.items()}
        argv = [sys.executable, PROGRAM, self.context, self.root / "out", str(point), *disk]
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)

    def built(self) -> dict[str, Any]:
        """What a run to the end says, which has to be an answer."""
        done = self.start()
        assert done.returncode == 0, done.stdout + done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        assert "errors" not in said["answer"], said
        return said

    def made(self) -> dict[str, str]:
        """The exported tree."""
        tree = self.root / "out/tree"
        return {
            str(path.relative_to(tree)): os.readlink(path) if path.is_symlink() else _digest(path)
            for path in sorted(tree.rglob("*"))
        }

    def sound(self) -> None:
        """What the store records is there, whole."""
        findings = [one for one in doctor.examine(self.root / "store", deep=True) if one.subject == "records"]
        assert {finding.mark for finding in findings} == {"ok"}, findings

    def nothing_left(self) -> None:
        """No mounts, containers, control groups, interfaces, half-made trees of engines that are gone."""
        assert str(self.root) not in Path("/proc/self/mounts").read_text()
        assert [path.name for path in (self.root / "run").iterdir()] == ["all"]
        assert [path.name for path in (self.root / "store/work").iterdir()] == ["all"]
        recorded = {path.name for path in (self.root / "store/layers").iterdir()}
        assert not any(name.startswith(".") for name in recorded)
        assert list((self.root / "tmp").iterdir()) == []


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "directory"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.integration.engine.conftest import process, shutil

    root = tmp_path_factory.mktemp("context")
    (root / "bin").mkdir()
    shutil.copy(process.which("busybox") or "/bin/busybox", root / "bin/busybox")
    for name in (*PROGRAMS.split(), "ln"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "Dockerfile").write_text(DOCKERFILE)
    return root


@dataclass(frozen=True)
class Usual:
    """A run that nobody disturbed."""

    digest: str
    stdout: str
    tree: dict[str, str]
    points: int
    size: int


@pytest.fixture(scope="module")
def usual(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Usual:
    place = Place(tmp_path_factory.mktemp("usual"), context)
    said = place.built()
    place.sound()
    place.nothing_left()
    return Usual(*_answer(said), place.made(), said["points"], disk_usage(place.root / "store"))


def _answer(said: dict[str, Any]) -> tuple[str, str]:
    container = said["answer"]["data"]["host"]["directory"]["dockerBuild"]
    return container["rootfs"]["digest"], container["stdout"]


@pytest.fixture(scope="module")
def every(request: pytest.FixtureRequest) -> bool:
    """Whether each point is to be tried."""
    return bool(request.config.getoption("--full"))


def _goes_on(place: Place, usual: Usual) -> None:
    """The next run makes what it would have made, and cleans up."""
    place.sound()
    assert _answer(place.built()) == (usual.digest, usual.stdout)
    assert place.made() == usual.tree
    place.sound()
    place.nothing_left()


def test_killed_before_an_operation(usual: Usual, context: Path, tmp_path: Path, every: bool) -> None:
    assert usual.points > 100
    for point in range(1, usual.points + 1, 1 if every else usual.points // 7):
        place = Place(tmp_path / str(point), context)
        done = place.start(point)
        assert done.returncode in (KILLED, 0), done.stdout
        _goes_on(place, usual)


def test_a_disk_that_fills_at_any_moment(usual: Usual, context: Path, tmp_path: Path, every: bool) -> None:
    """It is told in a sentence, what is recorded is whole, and with more room the work goes on from there."""
    steps = 60 if every else 5
    codes = []
    for number in range(steps):
        place = Place(tmp_path / str(number), context)
        for name in ("store", "kept"):
            (place.root / name).mkdir(parents=True)
        done = place.start(0, str(4096 + number * usual.size // steps), place.root / "kept")
        said = done.stdout + done.stderr
        codes.append(done.returncode)
        assert done.returncode in (0, TOLD), said
        assert "internal error" not in said
        assert not done.returncode or "full" in said or "No space left" in said, said
        (place.root / "store").rmdir()
        (place.root / "kept").rename(place.root / "store")
        _goes_on(place, usual)
    assert codes[0] == TOLD
