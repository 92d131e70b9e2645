"""A cache taken along from one store to another, and what then still runs."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers import free_port

pytestmark = pytest.mark.root


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("docker-registry") or pytest.skip("docker-registry is not installed")
    port = free_port()
    (tmp_path / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    quiet = subprocess.DEVNULL
    with subprocess.Popen([program, "serve", tmp_path / "config.yml"], stdout=quiet, stderr=quiet) as child:
        while not answers(port):
            time.sleep(0.02)
        yield f"localhost:{port}"
        child.terminate()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def baselard(places: dict[str, str], *argv: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "baselard.cli", *argv],
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def executions(places: dict[str, str], module: Path, *steps: str) -> int:
    """How many commands a call ran."""
    done = baselard(places, "call", "-m", str(module), "--progress=plain", "base", *steps, "sync")
    return len(re.findall(r"^#\d+ \$ ", done.stderr, re.MULTILINE))


@pytest.mark.parametrize("way", ["directory", "registry"])
def test_what_did_not_change_runs_nothing_in_another_store(
    module: Path, places: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest, way: str
) -> None:
    place = str(tmp_path / "cache") if way == "directory" else f"{request.getfixturevalue('registry')}/team/cache:main"
    here = {**places, "BASELARD_STORE": str(tmp_path / "here")}
    there = {**places, "BASELARD_STORE": str(tmp_path / "there")}
    step = ("with-exec", "--args", "touch,/more")
    assert executions(here, module) == 1
    assert "exported" in baselard(here, "cache", "export", place).stdout
    baselard(there, "cache", "import", "--unsigned", place)
    assert executions(there, module) == 0
    assert executions(here, module, *step) == 1
    again = baselard(here, "cache", "export", place).stdout
    assert float(re.findall(r"([\d.]+) MB new", again)[0]) < 0.5
    third = {**places, "BASELARD_STORE": str(tmp_path / "third")}
    baselard(third, "cache", "import", "--unsigned", place)
    assert executions(third, module, *step) == 0
