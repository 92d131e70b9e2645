"""A report's example is built at the report's commit, and a shell opens in it, or where its build fails."""

import os
import pty
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network]

ROOT = Path(__file__).resolve().parents[3]
REPOSITORY = {
    "Dockerfile": "FROM debian:trixie-slim\n",
    "baselard.yaml": "bases: [{name: example.test/base}]\n",
    "examples/red/Dockerfile": "FROM example.test/base\nRUN echo as it was >/word\n",
    "examples/red/goss.yaml": "file: {/word: {exists: false}}\n",
    "examples/broken/Dockerfile": "FROM example.test/base\nRUN echo so far >/word; exit 7\n",
}
Typed = Callable[[Path, str, str], tuple[int, str]]


@pytest.fixture
def typed(kept_store: Path) -> Typed:
    """Open a shell by `baselard open ARCHIVE --shell EXAMPLE` in a repository, type a line, read all that is shown."""

    def run(archive: Path, example: str, line: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        env = {**os.environ, "BASELARD_STORE": str(kept_store), "PYTHONPATH": str(ROOT), "TERM": "dumb"}
        argv = [sys.executable, "-m", "baselard.cli", "open", str(archive), "--shell", example]
        where = archive.parent / "repository"
        child = subprocess.Popen(argv, cwd=where, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        os.write(ours, f"{line}; exit\n".encode())  # it waits in the terminal for whoever reads it
        seen = b""
        try:
            while data := os.read(ours, 1 << 16):
                seen += data
        except OSError:  # the last one at the other end has gone
            os.close(ours)
        return child.wait(timeout=60), seen.decode()

    return run


@pytest.fixture
def archive(call, write, tmp_path: Path) -> Path:
    """What a CI run keeps of a report; the files that it was about have changed since."""
    place = write(REPOSITORY)
    git = ["git", "-C", str(place), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "red"]):
        subprocess.run([*git, *words], check=True)
    sha = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    report = tmp_path / "report"
    done = call(place, "report", "--check", "test-examples", "--sha", sha, "-o", str(report))
    assert done.code == 0, done.stderr[-3000:]
    with zipfile.ZipFile(tmp_path / "report.zip", "w") as made:
        for file in report.iterdir():
            made.write(file, file.name)
    write({name: "FROM scratch\n" for name in REPOSITORY if name.startswith("examples/") and "Dockerfile" in name})
    return tmp_path / "report.zip"


def test_a_shell_opens_in_what_failed_then(archive: Path, typed: Typed) -> None:
    code, seen = typed(archive, "red", "cat /word")
    assert (code, "as it was" in seen) == (0, True), seen
    assert "red failed: File /word exists: expected false, got true" in seen
    code, seen = typed(archive, "broken", "cat /word")
    assert (code, "so far" in seen) == (1, True), seen
    code, seen = typed(archive, "blue", "")
    assert (code, "the report has no blue" in seen) == (2, True), seen
