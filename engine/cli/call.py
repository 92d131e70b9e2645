"""``baselard call``: functions of a module, each on the result of the one before."""

import sys

from engine.cli import chain, help, target
from engine.cli.target import Target


def run(argv: list[str]) -> int:
    """Run a chain of functions and print the result. Raises EngineError."""
    with target.opened(argv) as found:
        parsed = chain.parse(found.module, found.find, argv)
        if parsed.options.help:
            sys.stdout.write(help.call_help(found.module, found.find, parsed))
            return 0
        return _execute(found, parsed, argv)


def _execute(found: Target, parsed: chain.Chain, argv: list[str]) -> int:
    from engine.cli import result, start  # noqa: PLC0415 -- help needs no engine

    start.require_privilege(["call", *argv])
    last = parsed.steps[-1].function.return_type
    output = parsed.options.output
    value = start.walk(found, lambda walk: walk.run(parsed.steps, output=output))
    result.show(last, value, as_json=parsed.options.json, output=output)
    return 0
