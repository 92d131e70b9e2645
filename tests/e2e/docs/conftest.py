"""A small project to try the documentation's commands on, and what they are checked against."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baselard.cli import target
from baselard.cli.options import Options
from baselard.cli.target import Target

ROOT = Path(__file__).resolve().parents[3]
PROJECT = {
    "Dockerfile": "FROM debian:trixie-slim AS standard\n"
    "RUN useradd --create-home --uid 1000 agent\n"
    'ENV HOME=/home/agent\nUSER 1000\nCMD ["bash"]\n'
    "FROM standard AS dev\nENV DEV=1\n",
    "baselard.yaml": "bases: [{name: ghcr.io/acme/base, targets: [standard, dev]}]\n",
    "goss/base.yaml": "command: {id -un: {exit-status: 0, stdout: [agent]}}\n",
    "examples/hello/Dockerfile": "FROM ghcr.io/acme/base:latest\nRUN echo hello >~/hello\n"
    'CMD ["cat", "/home/agent/hello"]\n',
    "examples/hello/goss.yaml": "file: {/home/agent/hello: {exists: true}}\n",
    "examples/bare/Dockerfile": 'FROM ghcr.io/acme/base:dev\nCMD ["true"]\n',
}
Run = Callable[[str, str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """This repository's module, as ``call --help`` knows it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BASELARD_CACHE", str(tmp_path_factory.mktemp("docs-cache")))
        with target.opened(Options(module=str(ROOT))) as found:
            yield found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run a block of a page's shell lines in that page's own copy of the project; one store for all pages."""
    root = tmp_path_factory.mktemp("docs")
    root.chmod(0o755)
    (root / "baselard").symlink_to(ROOT)
    (root / "bin").mkdir()
    (root / "bin/baselard").symlink_to(ROOT / "baselard")
    path = f"{root}/bin:{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(root), "BASELARD_STORE": str(root / "store"), "PATH": path}

    def block(page: str, script: str) -> "subprocess.CompletedProcess[str]":
        place = _project(root / page.replace("/", "-"))
        argv = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(
            argv, cwd=place, env=environment, capture_output=True, text=True, timeout=1500, check=False
        )

    yield block
    for left in root.glob("*/*.pid"):  # what a page starts and did not come to end
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(left.read_text()), signal.SIGTERM)


def _project(place: Path) -> Path:
    """The small project, written where it is not yet; a tutorial begins with an empty directory."""
    if "docs-tutorial-" in place.name:
        place.mkdir(exist_ok=True)
    elif not place.exists():
        for name, text in PROJECT.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
    return place
