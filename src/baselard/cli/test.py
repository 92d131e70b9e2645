"""``baselard test``: everything CI checks of this checkout, ending with pytest's summary line."""

import importlib.util
import signal
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
    """Run linters, type checker and tests, all of them even if one fails; ``argv`` goes to pytest, a process a core.

    Raises UserError where there is nothing to test with.
    """
    if checkout.INSTALLED or not importlib.util.find_spec("pytest"):
        raise UserError("test is for a checkout: `./baselard test` there, with no option before it")
    failed = [tool for tool in _BEFORE if _run(*tool)]
    for tool in failed:
        sys.stderr.write(f"FAILED: {' '.join(tool)}\n")
    code = _run("pytest", "-n", "auto", *argv)
    return code or bool(failed)


def _run(*tool: str) -> int:
    """Run a tool to its end. A Ctrl-C is passed on: pytest ends what its tests began. A second one kills it."""
    with process.spawn([sys.executable, "-m", *tool], cwd=checkout.ROOT) as child:
        try:
            process.pump(child, streams.pass_on)
        except BaseException:
            process.kill(child, signal.SIGINT)
            try:
                process.pump(child, streams.pass_on)
            finally:
                process.kill(child)
            raise
    return child.returncode
