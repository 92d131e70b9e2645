"""Somebody saves files while ``baselard watch`` runs. Judge: the lines on its streams, and how it ends."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.root
PATIENCE = 120.0  # seconds until a line that never comes is given up
CODE = '''
from typing import Annotated

import dagger
from dagger import DefaultPath, check, function, object_type
from opentelemetry import trace


@object_type
class Tool:
    source: Annotated[dagger.Directory, DefaultPath("/")]

    @function(cache="never")
    @check
    async def judge(self, changed_paths: list[str] | None = None) -> str:
        """Judges a file."""
        with trace.get_tracer("x").start_as_current_span("one", attributes={"test.suite.name": "one"}):
            text = await self.source.file("tree/input").contents()
            if "bad" in text:
                raise ValueError("it is bad")
            return f"WORD {text.strip()} {changed_paths}"
'''


@dataclass
class Watching:
    """A running ``watch`` and the tree that it looks at; both of its streams come out of one pipe."""

    child: "subprocess.Popen[bytes]"
    root: Path
    seen: bytes = b""

    def until(self, text: str) -> str:
        """What came up to this text, which is taken away."""
        assert self.child.stdout
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.seen:
            assert time.monotonic() < deadline and self.child.poll() is None, self.seen.decode()
            if select.select([self.child.stdout], [], [], 1)[0]:
                self.seen += os.read(self.child.stdout.fileno(), 1 << 16)
        before, _, self.seen = self.seen.partition(text.encode())
        return before.decode()

    def save(self, text: str) -> None:
        (self.root / "tree/input").write_text(text)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Callable[..., Watching]]:
    root = tmp_path / "tool"
    for name, text in {
        "src/tool/__init__.py": CODE,
        "dagger.json": json.dumps({"name": "tool", "sdk": "python"}),
        "tree/input": "first",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> Watching:
        env = {**os.environ, "BASELARD_STORE": str(tmp_path / "store"), "BASELARD_RUN": str(tmp_path / "run")}
        argv = [sys.executable, "-m", "baselard.cli", "watch", "--progress", "plain", *words]
        child = subprocess.Popen(argv, cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        started.append(child)
        return Watching(child, root)

    yield start
    for child in started:
        child.kill()
        child.communicate()


def test_a_saved_file_leads_to_a_verdict_until_ctrl_c(watching: Callable[..., Watching]) -> None:
    one = watching("judge")
    assert "WORD first None\n" in one.until(f"; {one.root} is watched, Ctrl-C ends\n")
    one.save("second")
    told = one.until(" s after the change\n")
    assert "\ntree/input changed\n" in told and "WORD second ['tree/input']\npassed " in told
    one.save("bad")
    told = one.until(" s after the change\n")
    assert "it is bad\n" in told and "failed (one) " in told
    (one.root / "tree/input").unlink()  # what cannot be is told too, and waited out
    assert "failed (one) " in one.until(" s after the change\n")
    one.save("third")
    assert "WORD third ['tree/input']\npassed " in one.until(" s after the change\n")
    one.child.send_signal(signal.SIGINT)
    assert one.child.wait(PATIENCE) == 130


def test_the_functions_own_code_is_watched_too(watching: Callable[..., Watching]) -> None:
    one = watching("judge")
    one.until("is watched, Ctrl-C ends\n")
    (one.root / "src/tool/__init__.py").write_text(CODE.replace("WORD", "OTHER"))
    assert "watch starts anew\n" in one.until("OTHER first None\n")
    one.until("is watched, Ctrl-C ends\n")


def test_checks_are_watched(watching: Callable[..., Watching]) -> None:
    one = watching("check")
    assert "passed  judge" in one.until("is watched, Ctrl-C ends\n")
    one.save("bad")
    assert "1 of 1 failed: judge\nfailed (one) " in one.until(" s after the change\n")
