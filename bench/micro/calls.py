"""The command line: help, and functions that do nothing themselves."""

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.lab import Lab, seconds
from bench.method import OURS, Goal, Scenario, Side

_IMPORT = "python importing dagger"
_CODE = '''"""Says hello."""
from dagger import function, object_type


@object_type
class Hello:
    @function
    def say(self) -> str:
        return "hello"

    @function(cache="never")
    def say_anew(self) -> str:
        return "hello"
'''


@contextlib.contextmanager
def call(lab: Lab, *, words: tuple[str, ...], beside: bool) -> Iterator[Mapping[str, Side]]:
    """A call through the launcher, beside what the SDK alone takes to be imported."""
    with lab.scratch() as root:
        _write_module(root / "module")
        ours = functools.partial(_call, root / "module", root / "cache", lab.store, words)
        ours()
        sides: dict[str, Side] = {OURS: lambda _: seconds(ours)}
        if beside:
            sides[_IMPORT] = lambda _: seconds(_import_sdk)
        yield sides


def _write_module(root: Path) -> None:
    (root / "src" / "hello").mkdir(parents=True)
    (root / "src" / "hello" / "__init__.py").write_text(_CODE)
    (root / "dagger.json").write_text('{"name": "hello", "sdk": "python"}')


def _call(module: Path, cache: Path, store: Path, words: tuple[str, ...]) -> None:
    launcher = Path(__file__).resolve().parents[2] / "baselard"
    env = {**os.environ, "BASELARD_STORE": str(store), "BASELARD_CACHE": str(cache)}
    subprocess.run([str(launcher), "call", *words], cwd=module, env=env, capture_output=True, check=True)


def _import_sdk() -> None:
    subprocess.run([sys.executable, "-c", "import dagger"], check=True)


def _scenario(name: str, title: str, words: str, goal: Goal, *, beside: bool = True) -> Scenario:
    sides = functools.partial(call, words=tuple(words.split()), beside=beside)
    return Scenario(name, title, sides, goal, rounds=10)


SCENARIOS = (
    _scenario("help", "call --help of a known module", "--help", Goal("value", 0.05), beside=False),
    _scenario("function", "a trivial function whose result is known", "say", Goal("ratio", 1.6)),
    _scenario("function-anew", "a trivial function that is never cached", "say-anew", Goal("ratio", 1.6)),
)
