"""Run in an image, by the Python that is mounted there: pytest and testinfra on the files that `pytest-main` lists.

Whatever the tests start gets the image's own environment, so nothing of this Python is in it; their files go where the
image's user may write.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

sys.path.append("/.pytest/usr/lib/python3/dist-packages")

import pytest
from testinfra.backend.base import BaseBackend, CommandResult

TESTS, OUT = "/.goss-tests", "/.goss-run/out"
LATE = "not done in time; `timeout` of this test in baselard.yaml allows more"


class Limit:
    """A plugin that fails the test which is running when the time is over, and runs no other."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Let the clock run, collecting included."""

        def late(_signal: int, _frame: FrameType | None) -> None:
            __tracebackhide__ = True
            session.shouldstop = LATE
            pytest.fail(LATE)

        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def pytest_sessionfinish(self) -> None:
        """No test runs any more."""
        signal.setitimer(signal.ITIMER_REAL, 0)


def run_local(backend: BaseBackend, command: str, *args: str) -> CommandResult:
    """testinfra's way to run a command, for an image without a shell."""
    said = backend.quote(command, *args)
    shell = ["/.goss/busybox", "sh", "-c", said]
    done = subprocess.run(shell, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return backend.result(done.returncode, backend.encode(said), done.stdout, done.stderr)


def main() -> int:
    """Run them; pytest's exit code."""
    given = dict(one.split(b"=", 1) for one in Path("/proc/self/environ").read_bytes().split(b"\0") if one)
    if b"LC_CTYPE" not in given:
        os.environ.pop("LC_CTYPE", None)  # of this Python, which has it in every plain environment
    seconds, *files = Path(TESTS, "pytest-main").read_text().splitlines()
    tempfile.tempdir = OUT
    if not os.access("/bin/sh", os.X_OK):
        BaseBackend.run_local = run_local
    options = {"junit_family": "xunit1", "junit_logging": "all", "junit_log_passing_tests": "false"}
    arguments = [f"--rootdir={TESTS}", f"--confcutdir={TESTS}", "-p", "no:cacheprovider", "--color=no", "--tb=short"]
    arguments += [f"--basetemp={OUT}/pytest-tmp", f"--junitxml={OUT}/junit.xml"]
    arguments += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return pytest.main([*arguments, *(f"{TESTS}/{path}" for path in files)], [Limit(float(seconds))])


if __name__ == "__main__":
    sys.exit(main())
