"""A shell at the user's terminal: in the midst of a chain, from a function, and where a command failed."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.root
PATIENCE = 60.0  # seconds until something that never comes is given up


@dataclass
class Typist:
    """Somebody at a terminal on which ``baselard`` was started; ``result`` is what goes to stdout."""

    child: "subprocess.Popen[bytes]"
    descriptor: int
    seen: bytes = b""
    result: str = ""
    read: int = field(default=0)

    def waits_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.seen[self.read :]:
            assert time.monotonic() < deadline, self.seen.decode(errors="replace")
            if select.select([self.descriptor], [], [], 1)[0]:
                self.seen += os.read(self.descriptor, 1 << 16)
        self.read = self.seen.index(text.encode(), self.read) + len(text)

    def types(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def ends(self) -> int:
        out, _ = self.child.communicate(timeout=PATIENCE)
        self.result = out.decode()
        while select.select([self.descriptor], [], [], 0)[0]:
            self.seen += os.read(self.descriptor, 1 << 16)
        return self.child.returncode


@pytest.fixture
def sit_down(module: Path, places: dict[str, str]) -> "Iterator[object]":
    ours, theirs = pty.openpty()

    def start(command: str, *argv: str) -> Typist:
        words = [sys.executable, "-m", "baselard.cli", command, "-m", str(module), *argv]
        env = {**os.environ, **places, "TERM": "vt100"}
        child = subprocess.Popen(words, env=env, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE)
        return Typist(child, ours)

    yield start
    os.close(ours)
    os.close(theirs)


def test_a_chain_stops_at_a_terminal_and_goes_on_without_its_changes(sit_down) -> None:
    user = sit_down("call", "base", "terminal", "file", "--path", "/etc/motd", "contents")
    user.waits_for("# ")
    user.types("echo changed >/etc/motd; tty; echo $TERM-$((40+2))\r")
    user.waits_for("/dev/pts/0")
    user.waits_for("vt100-42")
    user.types("exit 3\r")
    assert (user.ends(), user.result) == (0, "hello\n")


def test_a_function_opens_one_too(sit_down) -> None:
    user = sit_down("call", "--progress=plain", "broken-off")
    user.waits_for("# ")
    user.types("cat /seen; exit\r")
    user.waits_for("from the function")
    assert (user.ends(), user.result) == (0, "hello\n")


def test_a_directory_is_looked_at_in_a_container(sit_down) -> None:
    user = sit_down("call", "files")
    user.waits_for("# ")
    user.types("pwd; cat motd; exit\r")
    user.waits_for("/src")
    user.waits_for("hello")
    assert user.ends() == 0
    assert "motd" in user.result.split()


def test_another_command(sit_down) -> None:
    user = sit_down("call", "base", "terminal", "--cmd", "cat,/etc/motd")
    assert user.ends() == 0
    assert b"hello\r\n" in user.seen and user.result.startswith("Container@")


@pytest.mark.parametrize("progress", ["tty", "plain", "dots"])
def test_a_failed_command_leads_to_a_shell_where_it_failed(sit_down, progress: str) -> None:
    command = "echo half >/tmp/half; echo the reason; exit 7"
    user = sit_down("call", f"--progress={progress}", "-i", "run", "--command", f"mkdir /tmp; {command}")
    user.waits_for("the reason")
    user.waits_for("exit code 7")
    user.waits_for("# ")
    user.types("cat /tmp/half; exit\r")
    user.waits_for("half")
    assert (user.ends(), user.result) == (1, "")
    assert user.seen.endswith(b"exit code: 7\r\n")


def test_checks_fail_with_the_shell_that_was_asked_for(sit_down) -> None:
    user = sit_down("check", "-i", "--interactive-command", "sh -c 'echo looked around'", "fails")
    assert user.ends() == 1
    assert b"looked around" in user.seen
    assert user.result.startswith("failed  fails")


def test_a_shell_that_is_not_there_hides_no_failure(sit_down) -> None:
    user = sit_down("call", "-i", "--interactive-command", "zsh", "run", "--command", "exit 7")
    assert user.ends() == 1
    assert b"exec zsh failed: No such file" in user.seen
    assert user.seen.endswith(b"exit code: 7\r\n")


def test_an_image_without_that_program_says_so(sit_down) -> None:
    user = sit_down("call", "base", "terminal", "--cmd", "zsh", "sync")
    user.ends()
    assert b"exec zsh failed: No such file" in user.seen


@pytest.mark.parametrize("words", [["call", "base", "terminal"], ["call", "-i", "base"], ["check", "-i"]])
def test_without_a_terminal_it_is_refused_before_anything_starts(
    module: Path, places: dict[str, str], words: list[str]
) -> None:
    command = [sys.executable, "-m", "baselard.cli", words[0], "-m", str(module), *words[1:]]
    env = {**os.environ, **places}
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "a terminal is wanted, and standard input is none: run this on a terminal, outside of a pipe\n"
    )
