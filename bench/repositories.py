"""Plans of repositories of others, as docs/reference/repositories.md has them.

``python -m bench.repositories DIRECTORY`` plans the clones that the directory holds under the names that the page's
configurations bear. Each gets its configuration for as long as it is planned, and nothing else of it is touched; the
page's table is printed. ``--build DIRECTORY`` builds and tests those that the page gives a stand-in for what they start
from.
"""

import json
import os
import re
import resource
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from baselard.cli.main import guarded
from baselard.engine.errors import UserError
from baselard.engine.host import process

T = TypeVar("T")
PAGE = Path(__file__).parents[1] / "docs/reference/repositories.md"
RUNS = 3
HEAD = "| repository | files | lines of configuration | bases | examples | deepest chain | processor seconds |"
LINE = "|---|---:|---:|---:|---:|---:|---:|"


def configurations(page: str) -> dict[str, str]:
    """The configurations of the page, by the repository's name."""
    return dict(re.findall(r"```yaml repository=(\S+)\n(.*?)```", page, re.DOTALL))


def builds(page: str) -> dict[str, dict[str, str]]:
    """By the repository's name the files that its build needs beside its own: a configuration and a stand-in."""
    found: dict[str, dict[str, str]] = {}
    for kind, name, text in re.findall(r"```(yaml|dockerfile) build=(\S+)\n(.*?)```", page, re.DOTALL):
        found.setdefault(name, {})["baselard.yaml" if kind == "yaml" else "standin/Dockerfile"] = text
    return found


def run(argv: Sequence[str]) -> int:
    """Plan every clone that is there and print a row for each, or build. Raises UserError when there is none."""
    if argv[:1] == ["--build"]:
        return max(_build(place, files) for place, files in _there(argv[1:], builds(PAGE.read_text())))
    known = _there(argv, configurations(PAGE.read_text()))
    sys.stdout.write(f"{HEAD}\n{LINE}\n")
    for place, configuration in known:
        sys.stdout.write(f"{_row(place, configuration)}\n")
    return 0


def _there(argv: Sequence[str], known: Mapping[str, T]) -> list[tuple[Path, T]]:
    there = [(Path(argv[0], name), one) for name, one in known.items() if argv and Path(argv[0], name).is_dir()]
    if not there:
        raise UserError(f"name the directory of the clones: it holds none of {', '.join(known)}")
    return there


def _build(place: Path, files: Mapping[str, str]) -> int:
    """Build and test a clone's bases; the exit code of that."""
    with _with_files(place, files):
        done = process.run([sys.executable, "-m", "baselard.cli", "call", "test-base"], cwd=place, check=False)
    sys.stdout.write(f"{place.name}\n{done.stdout.decode()}\n")
    return done.code


def _row(place: Path, configuration: str) -> str:
    with _with_files(place, {"baselard.yaml": configuration}):
        timed = [_planned(place) for _ in range(RUNS)]
    plan = json.loads(timed[0][1])
    seconds = statistics.median(one for one, _ in timed)
    files = sum(len(names) for directory, _, names in os.walk(place) if ".git" not in Path(directory).parts)
    counts = (files, configuration.count("\n"), len(plan["bases"]), len(plan["examples"]), deepest(plan))
    return f"| {place.name} | {' | '.join(map(str, counts))} | {seconds:.2f} |"


@contextmanager
def _with_files(place: Path, files: Mapping[str, str]) -> Iterator[None]:
    written: list[Path] = []
    try:
        for name, text in files.items():
            path = place / name
            path.parent.mkdir(exist_ok=True)
            with path.open("x") as file:
                written.append(path)
                file.write(text)
        yield
    finally:
        for path in written:
            path.unlink()


def _planned(place: Path) -> tuple[float, str]:
    """What a plan takes of the processor, from the start of its program to its end, and the plan."""
    before = _used()
    done = process.run([sys.executable, "-m", "baselard.cli", "plan", "--json"], cwd=place, check=False)
    seconds = _used() - before
    if done.code == 2:
        raise UserError(f"{place.name}: {done.stderr.decode().strip()}")
    return seconds, done.stdout.decode()


def _used() -> float:
    """The processor time of programs that have ended, which others' work does not change as it does the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def deepest(plan: dict[str, dict[str, dict[str, list[dict[str, str]]]]]) -> int:
    """How many builds of a plan stand on each other at most; bases come in the order of their building."""
    depth: dict[str, int] = {}
    for name, build in [*plan["bases"].items(), *plan["examples"].items()]:
        depth[name] = 1 + max((depth.get(one.get("base", ""), 0) for one in build["sources"]), default=0)
    return max(depth.values())


if __name__ == "__main__":
    sys.exit(guarded(run, sys.argv[1:]))
