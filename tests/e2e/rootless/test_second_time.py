"""The tests of the whole command a second time, by a plain user whose engines are rootless.

Judge: the tests themselves. Each stands for something that is done in another way there.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import user
from tests import alone

pytestmark = [alone.USERS, pytest.mark.network]

E2E = Path(__file__).resolve().parents[1]
CHOSEN = {
    "call": "cli/test_call_containers.py::test_an_object_is_exported",
    "Ctrl-C": "cli/test_call_containers.py::test_an_interrupt_ends_it_at_once_and_leaves_nothing[2-default]",
    "check": "cli/test_call_containers.py::test_checks_name_what_failed",
    "a resident engine": "cli/test_resident_engine.py::test_it_prints_the_same_and_ends_alike[call -q examples]",
    "a terminal": "cli/test_terminal.py::test_a_directory_is_looked_at_in_a_container",
    "session, services and their network": "sdk/test_sdks.py::test_python_in_a_session",
    "cache": "cli/test_cache_to_go.py::test_what_did_not_change_runs_nothing_in_another_store[registry]",
    "a registry with TLS": "pipeline/test_release.py::test_a_registry_that_refuses_says_so_before_any_build",
    "bootstrap, build, test, publish": (
        "pipeline/test_release.py::test_ci_publishes_verifies_and_brings_the_docs_up_to_date_once"
    ),
}


def _by_a_user(*words: str) -> "subprocess.CompletedProcess[str]":
    if reason := user.lacking():
        pytest.skip(reason)
    argv = [sys.executable, "-m", "pytest", "--as-user", "--full", "-q", "--color=no", *words]
    return subprocess.run(argv, cwd=E2E.parents[1], capture_output=True, text=True, check=False)


def test_what_a_user_does_in_another_way_passes() -> None:
    done = _by_a_user(*(str(E2E / name) for name in CHOSEN.values()))
    last = done.stdout.splitlines()[-1] if done.stdout else ""
    assert (done.returncode, " skipped" in last) == (0, False), done.stdout[-6000:] + done.stderr[-2000:]


def test_its_exit_code_is_the_runs() -> None:
    """Judge: pytest, which ends with 5 where it has found no test."""
    assert _by_a_user(str(E2E / "cli/test_call_containers.py"), "-k", "no_such_test").returncode == 5
