"""The command line on invented repositories, with one store for all tests of a run."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.registry_servers import running_registry

ROOT = Path(__file__).resolve().parents[3]


_RAN = re.compile(r"(?:#\d+|[^│]* │) (\$ .*|goss|basic test|hadolint|actionlint|zizmor)$")


@dataclass(frozen=True)
class Called:
    """How a call ended: what it printed, and the progress it showed."""

    code: int
    stdout: str
    stderr: str

    def executions(self, part: str) -> int:
        """How many programs ran whose command line, or the name that is shown instead, holds this text."""
        return sum(part in match[1] for match in map(_RAN.match, self.stderr.splitlines()) if match)


Call = Callable[..., Called]
Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture(scope="session")
def kept_store(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """One store for all processes of the tests: what it bootstraps and installs is the most of their work."""
    own = tmp_path_factory.getbasetemp()
    return (own if worker_id == "master" else own.parent) / "e2e-store"


@pytest.fixture
def call(kept_store: Path) -> Call:
    """Run `baselard call --source DIR FUNCTION …`, or with `inside` the same as `baselard -C DIR call FUNCTION …`."""
    return calling(kept_store)


@pytest.fixture(scope="module")
def calling_once(kept_store: Path) -> Call:
    """The same for one call that all tests of a module ask about."""
    return calling(kept_store)


@pytest.fixture(scope="module")
def reported_once(calling_once: Call, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Where the report on a repository with these files is, by default on its examples alone."""

    def reported(files: Mapping[str, str], checks: str = "test-examples") -> Path:
        root = tmp_path_factory.mktemp("reported")
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        done = calling_once(root, "report", "--check", checks, "--output", str(root / "report"))
        assert done.code == 0, done.stderr[-3000:]
        return root / "report"

    return reported


@pytest.fixture
def call_on() -> Callable[[Path], Call]:
    """The same on a store of the test's own."""
    return calling


def calling(store: Path) -> Call:
    def run(source: Path, *args: str, inside: bool = False, timeout: float = 900) -> Called:
        kept = {"BASELARD_STORE": str(store), "BASELARD_CACHE": f"{store}-cache"}  # the module is registered once
        environment = {**os.environ, **kept, "PYTHONPATH": str(ROOT)}
        about = [] if inside else ["--source", str(source)]
        argv = [sys.executable, "-m", "baselard.cli", "call", "--progress", "plain", *about, *args]
        where = source if inside else ROOT
        done = subprocess.run(
            argv, cwd=where, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        return Called(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a repository from paths and texts."""

    def files(texts: Mapping[str, str]) -> Path:
        for name, text in texts.items():
            path = tmp_path / "repository" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "repository"

    return files


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry that may delete."""
    with running_registry(tmp_path_factory.mktemp("registry") / "of-module") as running:
        yield running.host
