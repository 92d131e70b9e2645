"""``baselard bench``: measurements of this checkout; they live in ``bench/``, beside the engine they measure."""

import importlib

from engine.cli import start


def run(argv: list[str]) -> int:
    """Measure, print the table and write the files asked for. Raises EngineError."""
    start.require_privilege(["bench", *argv])
    code: int = importlib.import_module("bench.command").run(argv)
    return code
