"""Commands: the peers', and Baselard's own."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def run(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run one command; what it printed. Raises RuntimeError with the command and the end of what it said."""
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{said}")
    return done.stdout


def baselard(store: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """Run one command of this checkout's Baselard on a store; its result. Raises RuntimeError."""
    argv = [sys.executable, "-I", "-m", "baselard.cli", *words]
    return run(argv, cwd=CHECKOUT, env={**os.environ, "BASELARD_STORE": str(store), **(env or {})})


def call(store: Path, source: Path, *words: str) -> str:
    """Call a function of the module on the base and examples in ``source``; its result. Raises RuntimeError."""
    return baselard(store, "call", "--progress", "plain", "--source", str(source), *words)
