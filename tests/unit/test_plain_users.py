"""A plain user's run of the tests that is interrupted: it ends in order, and what it left is taken away."""

import os
import signal
import subprocess
import sys

from tests import deep_trees, people

# As pytest: it takes its time for what it started. subprocess.run, interrupted, kills after a quarter of a second.
_SLOW = """
import os, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: (time.sleep(1), os.write(1, b"in order\\n"), sys.exit(2)))
os.write(1, b"ready\\n")  # not print, which a signal may come into
signal.pause()
"""
_RUN = f"""
import subprocess, sys
from tests import halves
with halves.interrupted_below():
    sys.exit(subprocess.run([sys.executable, "-c", {_SLOW!r}]).returncode)
"""


def test_a_half_that_is_interrupted_ends_its_own_processes() -> None:
    """Ctrl-C is a signal for the whole group in the foreground (termios(3), ISIG)."""
    with subprocess.Popen([sys.executable, "-c", _RUN], stdout=subprocess.PIPE, text=True, process_group=0) as run:
        assert run.stdout
        assert run.stdout.readline() == "ready\n"
        os.killpg(run.pid, signal.SIGINT)
        assert run.stdout.read() == "in order\n"
    assert run.returncode == 2


def test_what_an_interrupted_run_left_is_removed_however_deep() -> None:
    with people.places() as place:
        deep_trees.nested(place / "deep", 3000)
    assert not place.exists()
