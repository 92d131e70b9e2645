"""The tests of the whole command a second time, by a plain user whose engines are rootless.

Judge: the tests themselves.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import user
from tests import alone

pytestmark = [alone.USERS, pytest.mark.network]

E2E = Path(__file__).resolve().parents[1]
# Whole files, the cheap ones that differ in kind first; what is left of tests/e2e is for the night (.ci/nightly).
CHOSEN = {
    "calls, checks, Ctrl-C, resident engines, terminals, caches to go, watch": "cli",
    "sessions, their services and networks": "sdk",
    "a wheel in an environment of the user's own": "install",
    "modules, and the environments they are given": "modules",
    "the documentation's commands": "docs/test_pages.py",
    "a base bootstrapped, tested, published, handed over and verified": "pipeline/test_release.py",
    "verdicts": "pipeline/test_verdicts.py",
    "a history of runs": "pipeline/test_history.py",
    "a lock, and an image with owners": "pipeline/test_lock.py",
    "a shell in what failed": "pipeline/test_open.py",
    "gossfiles, and what others test with": "pipeline/test_structure_tests.py",
    "each tester": "pipeline/test_testers.py",
}


def _by_a_user(*words: str) -> "subprocess.CompletedProcess[str]":
    if reason := user.lacking():
        pytest.skip(reason)
    argv = [sys.executable, "-m", "pytest", "--as-user", "-n", "auto", "-q", "--color=no", *words]
    return subprocess.run(argv, cwd=E2E.parents[1], capture_output=True, text=True, check=False)


def test_what_a_user_does_passes() -> None:
    """Where a machine lacks something, less is run; in CI that fails, as it does for root (tests/conftest.py)."""
    done = _by_a_user(*(str(E2E / name) for name in CHOSEN.values()))
    assert (done.returncode, "need root, or a user namespace" in done.stdout) == (0, False), (
        done.stdout[-9000:] + done.stderr[-2000:]
    )


def test_its_exit_code_is_the_runs() -> None:
    """Judge: pytest, which ends with 5 where it has found no test."""
    assert _by_a_user(str(E2E / "cli/test_call_containers.py"), "-k", "no_such_test").returncode == 5
