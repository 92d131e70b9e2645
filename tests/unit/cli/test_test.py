"""The tools that `baselard test` runs: their words, their exit codes, and how an interrupt ends them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from baselard.cli import test

TOOL = """
import time
try:
    print("begun", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("tidied up", flush=True)
    {then}
"""
CODE = "import sys; from baselard.cli import main, test; sys.exit(main.guarded(lambda _: test._run('tool'), ()))"


def started(tmp_path: Path, then: str) -> "subprocess.Popen[str]":
    """A command that has begun to run a tool, which does ``then`` after it was interrupted."""
    (tmp_path / "tool.py").write_text(TOOL.format(then=then))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    argv = [sys.executable, "-c", CODE]
    command = subprocess.Popen(argv, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert command.stdout.readline() == "begun\n"
    return command


def test_a_tool_that_is_interrupted_tidies_up(tmp_path: Path) -> None:
    with started(tmp_path, "raise") as command:
        command.send_signal(signal.SIGINT)
        assert command.stdout.read() == "tidied up\n"
    assert command.returncode == 130


def test_a_second_interrupt_ends_one_that_does_not_end(tmp_path: Path) -> None:
    with started(tmp_path, "time.sleep(60)") as command:
        command.send_signal(signal.SIGINT)
        assert command.stdout.readline() == "tidied up\n"
        command.send_signal(signal.SIGINT)
        assert command.stdout.read() == ""
    assert command.returncode == 130


@pytest.mark.parametrize(("tool", "code"), [("this", 0), ("no_such_tool", 1)])
def test_a_tool_has_its_own_exit_code(tool: str, code: int) -> None:
    """Judge: Python itself, which ends with 1 for a module that it does not find."""
    assert test._run(tool) == code


def test_pytest_gets_a_process_a_core_unless_words_say_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a flag that is given twice, argparse takes the last."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(test, "_run", lambda *tool: asked.append(tool) or 0)
    assert test.run(["-n", "0", "-x"]) == 0
    assert asked == [*test._BEFORE, ("pytest", "-n", "auto", "-n", "0", "-x")]
