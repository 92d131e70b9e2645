"""``call test-examples`` on generated repositories: how its time grows with the number of examples."""

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.lab import Lab, seconds
from bench.method import Scenario, Side

CHECKOUT = Path(__file__).resolve().parents[1]

_BASE = """FROM debian:trixie-slim
COPY salt /salt
RUN head -c 20000000 /dev/urandom >/opt/data
"""
_EXAMPLE = """FROM ghcr.io/bench/base:latest
COPY salt /salt
RUN sha256sum /salt >/sum
"""
_GOSS = """file:
  /sum:
    exists: true
command:
  sha256sum --check /sum:
    exit-status: 0
"""


def repository(root: Path, count: int) -> Path:
    """A base image and ``count`` examples on it, each with a gossfile."""
    _write(root / "image", {"Dockerfile": _BASE, "salt": "first\n"})
    for number in range(count):
        _write(
            root / "examples" / f"example-{number:02}", {"Dockerfile": _EXAMPLE, "goss.yaml": _GOSS, "salt": "first\n"}
        )
    return root


def _write(directory: Path, files: Mapping[str, str]) -> None:
    directory.mkdir(parents=True)
    for name, content in files.items():
        (directory / name).write_text(content)


def nothing(_root: Path, _salt: str) -> None:
    """Change nothing."""


def one_example(root: Path, salt: str) -> None:
    """Change a file of one example."""
    (root / "examples/example-00/salt").write_text(salt)


def every_example(root: Path, salt: str) -> None:
    """Change a file of every example; the base stays."""
    for example in (root / "examples").iterdir():
        (example / "salt").write_text(f"{salt} {example.name}")


def the_base(root: Path, salt: str) -> None:
    """Change a file of the base, and so everything."""
    (root / "image/salt").write_text(salt)


Change = Callable[[Path, str], None]


@contextlib.contextmanager
def calls(lab: Lab, *, change: Change) -> Iterator[Mapping[str, Side]]:
    """The whole call after a change, on repositories of several sizes whose results the store knows."""
    with lab.scratch() as scratch:
        roots = {count: repository(scratch / str(count), count) for count in lab.sizes.counts}
        for root in roots.values():
            _call(root, lab.store)

        def side(root: Path) -> Side:
            def run(number: int) -> float:
                change(root, f"round {number} {root}")
                return seconds(lambda: _call(root, lab.store))

            return run

        yield {_counted(count): side(root) for count, root in roots.items()}


def _counted(count: int) -> str:
    return f"{count} example{'s' * (count > 1)}"


def _call(root: Path, store: Path) -> None:
    argv = [
        sys.executable,
        "-I",
        "-m",
        "engine.cli",
        "call",
        "--progress",
        "plain",
        "--source",
        str(root),
        "test-examples",
    ]
    env = {**os.environ, "BASELARD_STORE": str(store)}
    done = subprocess.run(argv, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"test-examples on {root.name} examples failed:\n{done.stdout}\n{done.stderr[-3000:]}")


def _scenario(name: str, title: str, change: Change) -> Scenario:
    sides = functools.partial(calls, change=change)
    return Scenario(f"call-{name}", f"test-examples on many examples, {title}", sides, rounds=5)


SCENARIOS = (
    _scenario("warm", "nothing changed", nothing),
    _scenario("one", "one example changed", one_example),
    _scenario("all", "every example changed", every_example),
    _scenario("base", "the base changed", the_base),
)
