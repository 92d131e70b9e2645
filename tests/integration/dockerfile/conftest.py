"""Repositories to add, from a git daemon of the tests' own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.dockerfile.cases import write_files
from tests.conformance.dockerfile.serving import wait_for
from tests.workers import free_port

GIT_DAEMON = "/usr/lib/git-core/git-daemon"


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a git daemon with one repository: a file on main, another one on the branch side."""
    if not Path(GIT_DAEMON).exists():
        pytest.skip("there is no git daemon here")
    root = tmp_path_factory.mktemp("git")
    write_files(root / "repo", {"README": "main", "sub/deep.txt": "deep"})
    _git(root / "repo", "init", "-q", "-b", "main")
    _git(root / "repo", "add", ".")
    _git(root / "repo", "commit", "-qm", "one")
    _git(root / "repo", "checkout", "-qb", "side")
    write_files(root / "repo", {"side.txt": "side"})
    _git(root / "repo", "add", ".")
    _git(root / "repo", "commit", "-qm", "two")
    port = free_port()
    options = [f"--base-path={root}", "--export-all", "--listen=127.0.0.1", f"--port={port}"]
    with subprocess.Popen([GIT_DAEMON, *options], stderr=subprocess.DEVNULL) as daemon:
        wait_for(port)
        yield f"git://127.0.0.1:{port}/repo"
        daemon.terminate()


def _git(folder: Path, *args: str) -> None:
    user = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *user, *args], check=True)
