"""``baselard call``: functions of a module, each on the result of the one before."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from baselard.cli import chain, halves, help, parser, target
from baselard.cli.target import Target
from baselard.engine.api.objects.names import kebab
from baselard.engine.api.objects.reachable import Step
from baselard.engine.errors import UserError
from baselard.engine.host import privilege
from baselard.engine.modules.addresses import ObjectAddress
from baselard.engine.run import terminal


def run(argv: list[str]) -> int:
    """Run a chain of functions and print the result. Raises EngineError."""
    with target.opened(parser.early(argv)) as found:
        parsed = chain.parse(found.module, found.find, argv)
        if parsed.options.help:
            sys.stdout.write(help.call_help(found.module, found.find, parsed))
            return 0
        return _execute(found, parsed, argv)


def _execute(found: Target, parsed: chain.Chain, argv: list[str]) -> int:
    for step in parsed.steps:
        check_addresses(step)
    if parsed.options.interactive or any(step.function.name == "terminal" for step in parsed.steps):
        terminal.require()
    if privilege.may_mount() and not halves.wanted(parsed):
        found.start_runner()  # it imports while this process does
    from baselard.cli import result, start  # help needs no engine
    from baselard.cli.recording import Recording, plain

    start.require_privilege(["call", *argv])
    _warn(parsed.steps)
    if halves.wanted(parsed):
        return halves.run(parsed, [plain(word) for word in ("call", *argv)])
    last = parsed.steps[-1].function.return_type
    output = parsed.options.output
    recording = Recording(about(found, parsed), ["call", *argv])
    value = start.walk(found, lambda walk: walk.run(parsed.steps, output=output), recording)
    result.show(last, value, as_json=parsed.options.json, output=output)
    return 0


def about(found: Target, parsed: chain.Chain) -> Path:
    """The tree that a command line is about: the one named by --source, if that is a directory, or the module's."""
    source = parsed.steps[0].args.get("source")
    if isinstance(source, ObjectAddress) and source.is_local:
        return Path(source.path).expanduser().resolve()
    return found.source.context


def _warn(steps: Sequence[Step]) -> None:
    """Say what of the command line is deprecated."""
    for step in steps:
        used = [(f"--{kebab(arg.name)}", arg.deprecated) for arg in step.function.args if arg.name in step.args]
        for name, reason in [(kebab(step.function.name), step.function.deprecated), *used]:
            if reason is not None:
                sys.stderr.write(f"warning: {name} is deprecated{': ' if reason else ''}{reason}\n")


def check_addresses(step: Step) -> None:
    """Raise UserError for a path that is not there and for a secret whose source is not, before anything starts."""
    for arg in step.function.args:
        given = step.args.get(arg.name)
        for value in given if isinstance(given, list) else [given]:
            if isinstance(value, ObjectAddress) and (wrong := _missing(value)):
                raise UserError(f"--{kebab(arg.name)} {value.text}: {wrong}")


def _missing(address: ObjectAddress) -> str:
    if address.is_local:
        path = Path(address.path).expanduser()
        if not path.exists():
            return "there is no such file or directory"
        if path.is_dir() != (address.type_name == "Directory"):
            return "a directory is expected" if address.type_name == "Directory" else "a file is expected"
    scheme, _, name = address.text.partition(":")
    if address.type_name == "Secret" and scheme == "env" and name.removeprefix("//") not in os.environ:
        return "the variable is not set"
    return ""
