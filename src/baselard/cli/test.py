"""``baselard test``: everything CI checks of this checkout, ending with pytest's summary line."""

import importlib.util
import sys

from baselard.cli import streams
from baselard.engine.errors import UserError
from baselard.engine.host import checkout, process

_BEFORE = (
    ("ruff", "check", "--quiet", "."),
    ("ruff", "format", "--check", "--quiet", "."),
    ("mypy",),
)


def run(argv: list[str]) -> int:
    """Run linters, type checker and tests, all of them even if one fails; ``argv`` goes to pytest.

    Raises UserError where there is nothing to test with.
    """
    if checkout.INSTALLED or not importlib.util.find_spec("pytest"):
        raise UserError("test is for a checkout: `./baselard test` there, with no option before it")
    failed = [tool for tool in _BEFORE if _run(*tool)]
    for tool in failed:
        sys.stderr.write(f"FAILED: {' '.join(tool)}\n")
    code = _run("pytest", *argv)
    return code or bool(failed)


def _run(*tool: str) -> int:
    return process.run([sys.executable, "-m", *tool], cwd=checkout.ROOT, on_output=streams.pass_on, check=False).code
