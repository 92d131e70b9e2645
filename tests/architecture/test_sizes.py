"""Functions and files stay small enough to be read at once."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for room in ("pipeline", "src/baselard", "bench", "action") for path in (ROOT / room).rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.name}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_end_in_sight(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def test_functions_are_short() -> None:
    lengths = dict(pair for path in FILES for pair in _functions(path))
    too_long = {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}
    assert not too_long
    assert statistics.median(lengths.values()) <= 10
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= 30
