"""``baselard call``: functions of a module, each on the result of the one before."""

import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from baselard.cli import chain, halves, help, parser, target
from baselard.cli.target import Target
from baselard.engine.api.objects.names import kebab
from baselard.engine.api.objects.reachable import Step
from baselard.engine.errors import UserError
from baselard.engine.host import privilege
from baselard.engine.modules.addresses import ObjectAddress
from baselard.engine.run import terminal
from baselard.oci.text import JSON
from baselard.resident import alone

if TYPE_CHECKING:  # help needs no engine
    from baselard.cli.failed import Choice
    from baselard.engine.modules.walk import Walk


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
        alone.require()
        terminal.require()
    place, in_halves = about(found, parsed), halves.wanted(parsed)
    choice = _choice(parsed, place, in_halves=in_halves)
    if privilege.may_mount() and not in_halves:
        found.start_runner()  # it imports while this process does
    from baselard.cli import result, start  # help needs no engine
    from baselard.cli.recording import Recording, plain

    start.require_privilege(["call", *argv], found)
    _warn(parsed.steps)
    if in_halves:
        return halves.run(parsed, [plain(word) for word in ("call", *argv)])
    value = start.walk(found, _work(found, parsed, choice, place), Recording(place, ["call", *argv]))
    if choice is None or value is not None:
        last, options = parsed.steps[-1].function.return_type, parsed.options
        result.show(last, value, as_json=options.json, output=options.output)
    return 0


def _choice(parsed: chain.Chain, place: Path, *, in_halves: bool) -> "Choice | None":
    """What the command line leaves to the history. Raises UserError where it cannot."""
    if not parsed.options.last_failed and not parsed.options.failed_first:
        return None
    from baselard.cli import failed  # few calls ask the history

    if in_halves:
        way = parsed.steps[-1].args["share"]
        raise UserError(f"--share {way} has no history on its second machine: name examples by --only")
    return failed.wanted(parsed, str(place))


def _work(
    found: Target, parsed: chain.Chain, choice: "Choice | None", place: Path
) -> "Callable[[Walk], Awaitable[JSON]]":
    output = parsed.options.output
    if choice is None and not any(arg.name == "past" for step in parsed.steps for arg in step.function.args):
        return lambda walk: walk.run(parsed.steps, output=output)
    from baselard.cli import failed, trends  # few calls ask the history

    async def work(walk: "Walk") -> JSON:
        steps, state = list(parsed.steps), None
        if choice:
            state = await walk.run(parsed.steps[:1])
            steps = await failed.steps(choice, walk, state, found.display.note)
        with trends.told(steps, walk.memory.store, str(place)) as told:
            return await walk.run(told, output=output, state=state) if told else None

    return work


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
