"""``call`` from the command line to containers and back: results, failures, Ctrl-C, the invoking user."""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import user
from tests import alone

pytestmark = pytest.mark.root


def words(module: Path, *argv: str) -> list[str]:
    return [sys.executable, "-m", "baselard.cli", argv[0], "-m", str(module), "--progress=plain", *argv[1:]]


def baselard(
    module: Path, places: dict[str, str], *argv: str, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, **places, **(env or {})}
    command = words(module, *argv)
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_stdout_is_the_result_alone(module: Path, places: dict[str, str]) -> None:
    done = baselard(module, places, "call", "run", "--command", "echo out; echo err >&2")
    assert (done.returncode, done.stdout) == (0, "out\n")
    assert "err" in done.stderr


def test_chaining_goes_on_into_the_api(module: Path, places: dict[str, str]) -> None:
    done = baselard(module, places, "call", "base", "file", "--path", "/etc/motd", "contents")
    assert (done.returncode, done.stdout) == (0, "hello\n")
    done = baselard(
        module, places, "call", "base", "with-exec", "--args", "sh,-c,exit 3", "--expect", "ANY", "sync", "exit-code"
    )
    assert (done.returncode, done.stdout) == (0, "3")
    assert baselard(module, places, "call", "base", "sync").stdout.startswith("Container@sha256:")


def test_an_object_is_exported(module: Path, places: dict[str, str], tmp_path: Path) -> None:
    done = baselard(module, places, "call", "base", "directory", "--path", "/etc", "-o", str(tmp_path / "etc"))
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "etc" / "motd").read_text() == "hello\n"


def test_a_failed_command_comes_last(module: Path, places: dict[str, str]) -> None:
    done = baselard(module, places, "call", "run", "--command", "echo the reason; exit 7")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("the reason\nsh -c echo the reason; exit 7: exit code: 7\n")


def test_of_commands_at_once_the_one_that_failed_comes_last(module: Path, places: dict[str, str]) -> None:
    done = baselard(module, places, "call", "together")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"^#\d+ called off after ", done.stderr, re.MULTILINE)
    assert done.stderr.endswith("the reason\nsh -c sleep 1; echo the reason; exit 5: exit code: 5\n")


def test_a_second_run_runs_no_command(module: Path, places: dict[str, str]) -> None:
    first = baselard(module, places, "call", "base", "file", "--path", "/etc/motd", "contents")
    again = baselard(module, places, "call", "base", "file", "--path", "/etc/motd", "contents")
    assert first.stdout == again.stdout
    assert not re.search(r"^#\d+ \$ ", again.stderr, re.MULTILINE)


def test_commands_run_again_when_asked_to(module: Path, places: dict[str, str]) -> None:
    words = ("call", "base", "file", "--path", "/etc/motd", "contents")
    baselard(module, places, *words)
    again = baselard(module, places, words[0], "--no-cache-exec", *words[1:])
    assert (again.returncode, again.stdout) == (0, "hello\n")
    assert len(re.findall(r"^#\d+ \$ ", again.stderr, re.MULTILINE)) == 1


def test_checks_name_what_failed(module: Path, places: dict[str, str]) -> None:
    listed = baselard(module, places, "check", "-l")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["Name", "fails", "passes"]
    done = baselard(module, places, "check")
    assert done.returncode == 1
    assert [line.split()[:2] for line in done.stdout.splitlines()[:2]] == [["failed", "fails"], ["passed", "passes"]]
    assert done.stdout.splitlines()[2] == "1 of 2 failed: fails"
    assert "the reason" in done.stderr
    assert baselard(module, places, "check", "passes").returncode == 0


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["call", "rnu"], "unknown function rnu; did you mean run?"),
        (["call", "run"], "missing: --command (function run)"),
        (["call", "use", "--bas", "x"], "unknown flag --bas; did you mean --base?"),
    ],
)
def test_bad_input_is_found_before_anything_starts(
    module: Path, places: dict[str, str], argv: list[str], says: str
) -> None:
    done = baselard(module, places, *argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


@alone.SUDO
def test_module_code_runs_as_the_invoking_user(module: Path, places: dict[str, str]) -> None:
    if reason := user.closed():
        pytest.skip(reason)
    done = baselard(module, places, "call", "user", env={"SUDO_UID": "54321", "SUDO_GID": "54321"})
    assert (done.returncode, done.stdout) == (0, "54321"), done.stderr


@pytest.mark.parametrize(
    ("number", "ctrl_c"), [(signal.SIGINT, "default"), (signal.SIGTERM, "default"), (signal.SIGTERM, "ignore")]
)
def test_an_interrupt_ends_it_at_once_and_leaves_nothing(
    module: Path, places: dict[str, str], number: signal.Signals, ctrl_c: str
) -> None:
    marker = f"6{secrets.randbelow(10**9):09d}"  # seconds nobody else sleeps
    line = f"echo begun; sleep {marker}"
    command = ["env", f"--{ctrl_c}-signal=INT", *words(module, "call", "run", "--command", line)]
    environ = {**os.environ, **places}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stderr
        for line in child.stderr:
            if line.endswith(" begun\n"):
                break
        child.send_signal(number)
        try:
            child.communicate(timeout=30)
        finally:
            child.kill()
    assert child.returncode == 130
    assert not [text for text in _command_lines() if marker in text]
    assert places["BASELARD_STORE"] not in Path("/proc/mounts").read_text()


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
