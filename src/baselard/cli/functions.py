"""``baselard functions``: what there is to call, on the module or on what a chain of functions returns."""

import sys
from collections.abc import Sequence

from baselard.cli import chain, help, target
from baselard.cli.options import Options


def run(options: Options, names: Sequence[str]) -> int:
    """Print a table of names and descriptions. Raises EngineError."""
    with target.opened(options) as found:
        parsed = chain.parse(found.module, found.find, [*names, "--help"])
        sys.stdout.write(help.function_table(found.find, parsed.steps[-1].function))
    return 0
