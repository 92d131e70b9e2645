"""Programs of the host: streams, exit codes, time limits, being called off."""

import contextvars
import os
import sys
import threading

import pytest

from baselard.engine.errors import HostError, ProcessError
from baselard.engine.host import process
from baselard.engine.host.process import STDERR, STDOUT
from baselard.engine.solver import cancel


def python(code, **options):
    return process.run([sys.executable, "-c", code], **options)


def test_streams_and_standard_input():
    code = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.stderr.write('said')"
    done = python(code, stdin=b"word")
    assert (done.code, done.stdout, done.stderr) == (0, b"WORD", b"said")


def test_output_is_handed_over_in_order_and_not_kept(tmp_path):
    seen = []
    code = f"""
import os, time
for number in range(4):
    os.write(1 + number % 2, str(number).encode())
    while not os.path.exists({str(tmp_path)!r} + "/" + str(number)):
        time.sleep(0.001)
"""

    def hear(stream, data):
        seen.append((stream, data))
        (tmp_path / data.decode()).touch()

    done = python(code, on_output=hear)
    assert seen == [(STDOUT, b"0"), (STDERR, b"1"), (STDOUT, b"2"), (STDERR, b"3")]
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_failure_shows_command_code_and_streams():
    with pytest.raises(ProcessError) as caught:
        python("import sys; print('half done'); sys.exit('and why not')")
    text = str(caught.value)
    assert "exit code 1" in text
    assert "half done" in text
    assert "and why not" in text
    assert python("raise SystemExit(3)", check=False).code == 3


def test_a_program_that_is_not_installed():
    with pytest.raises(HostError, match="no-such-program is not installed"):
        process.run(["no-such-program"])
    assert process.which("no-such-program") is None


def test_a_program_that_is_not_there_where_the_path_has_what_is_closed(monkeypatch):
    """Judge: the kernel, which says of such a search that it was not allowed (execve(2), EACCES)."""
    monkeypatch.setattr(process.subprocess, "Popen", _refused)
    with pytest.raises(HostError, match="no-such-program is not installed"):
        process.run(["no-such-program"])
    with pytest.raises(PermissionError):
        process.run(["sh"])


def _refused(*_args, **_options):
    raise PermissionError(13, "Permission denied")


def test_a_time_limit_kills():
    with pytest.raises(TimeoutError, match="not done after"):
        python("import time; time.sleep(1000)", timeout=0.3)


def test_being_called_off_kills_the_program_and_its_children():
    off = cancel.Cancellation()
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'], stdin=0)"
    outcome = []

    def body() -> None:
        cancel.enter(off)
        try:
            python("import time; print('up', flush=True); time.sleep(1000)", on_output=lambda *_: off.cancel())
        except cancel.Cancelled:
            outcome.append("called off")

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(10)
    assert outcome == ["called off"]
    assert code


def test_cleaning_up_is_not_called_off():
    off = cancel.Cancellation()
    outcome = []

    def body() -> None:
        cancel.enter(off)
        off.cancel()
        outcome.append(process.run_regardless([sys.executable, "-c", "raise SystemExit(7)"]).code)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(10)
    assert outcome == [7]


def test_much_input_needs_nobody_to_feed_it():
    done = python("import sys; data = sys.stdin.buffer.read(); print(len(data))", stdin=b"x" * (1 << 20))
    assert int(done.stdout) == 1 << 20


ORPHAN = """
import subprocess, sys, time
subprocess.Popen(["cat"], stdin=int(sys.argv[1]), start_new_session=True)
print("left", flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("way", ["called off", "out of time", "too much said"])
def test_who_left_the_group_is_not_waited_for_when_the_program_is_killed(way):
    """As a container leaves its runtime's: it has the streams, and goes on until the test lets it."""
    off, outcome = cancel.Cancellation(), []

    def hear(*_: object) -> None:
        if way == "called off":
            off.cancel()
        elif way == "too much said":
            raise RuntimeError

    def body() -> None:
        cancel.enter(off)
        argv = [sys.executable, "-c", ORPHAN, str(reading)]
        try:
            process.run(argv, pass_fds=[reading], on_output=hear, timeout=2 if way == "out of time" else None)
        except (cancel.Cancelled, TimeoutError, RuntimeError) as error:
            outcome.append(error)

    reading, writing = os.pipe()
    thread = threading.Thread(target=contextvars.Context().run, args=(body,))
    thread.start()
    thread.join(20)
    still_there = len(outcome)
    os.close(writing)
    os.close(reading)
    thread.join()
    assert still_there == 1
