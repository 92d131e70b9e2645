"""``baselard functions``: what there is to call, on the module or on what a chain of functions returns."""

import sys

from baselard.cli import chain, help, options, target


def run(argv: list[str]) -> int:
    """Print a table of names and descriptions. Raises EngineError."""
    asked, names = options.split(argv)
    with target.opened(argv) as found:
        if asked.help:
            sys.stdout.write("Usage: baselard functions [-m MODULE] [FUNCTION …]\n")
            return 0
        parsed = chain.parse(found.module, found.find, [*names, "--help"])
        sys.stdout.write(help.function_table(found.find, parsed.steps[-1].function))
    return 0
