"""Results taken to an empty store: what did not change is not run again there, which is counted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network, pytest.mark.full]
ROOT = Path(__file__).resolve().parents[3]
SOURCE = {
    "Dockerfile": "FROM debian:trixie-slim\nRUN echo base-step >/base\n",
    "examples/a/Dockerfile": "FROM example.test/base\nRUN echo first-step >/a\nRUN echo second-step >/b\n",
    "examples/a/goss.yaml": "file: {/a: {exists: true}, /b: {exists: true}}\n",
}


def baselard(store: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "BASELARD_STORE": str(store), "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "baselard.cli", *words]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=900, check=False)


def steps(store: Path, source: Path) -> list[str]:
    """The project's own steps that ran, in their order."""
    done = baselard(store, "call", "--progress", "plain", "--source", str(source), "test-examples")
    assert done.returncode == 0, done.stderr[-3000:]
    ran = [line for line in done.stderr.splitlines() if " │ $ " in line or line.endswith("│ goss")]
    assert any("goss" in line for line in ran), "the tests themselves run each time"
    return [name for name in ("base-step", "first-step", "second-step") for line in ran if name in line]


@pytest.mark.parametrize("by", ["directory", "registry"])
def test_after_a_restored_cache_only_changed_steps_run(kept_store, write, tmp_path, registry, by):
    place = str(tmp_path / "cache") if by == "directory" else f"{registry}/acme/cache:main"
    source = write(SOURCE)
    steps(kept_store, source)
    assert steps(kept_store, source) == [], "the run that is exported finds its ends and asks for no step on the way"
    said = baselard(kept_store, "cache", "export", place)
    assert said.returncode == 0 and "MB new, in " in said.stdout, said.stderr
    other = tmp_path / "other"
    assert "MB new, in " in baselard(other, "cache", "import", "--unsigned", place).stdout
    assert steps(other, source) == []
    (source / "examples/a/Dockerfile").write_text(
        SOURCE["examples/a/Dockerfile"].replace("second-step", "second-step 2")
    )
    assert steps(other, source) == ["second-step"]
