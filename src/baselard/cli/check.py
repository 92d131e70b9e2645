"""``baselard check``: the module's checks, all at once.

A check passes when its function does not fail, a generator when it changes nothing.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselard.cli import columns, help, target
from baselard.cli.options import Options, unknown
from baselard.cli.target import Target
from baselard.engine.api.more.objects import checks
from baselard.engine.api.more.objects.checks import Check
from baselard.engine.api.objects.reachable import Step
from baselard.engine.api.objects.typedef import Module
from baselard.engine.errors import EngineError, ExecError, HostError, UserError
from baselard.engine.modules.addresses import quote
from baselard.engine.progress import spans
from baselard.engine.run import terminal
from baselard.oci.text import JSON
from baselard.resident import alone

if TYPE_CHECKING:  # listing needs no engine
    from baselard.engine.modules.walk import Walk


@dataclass(frozen=True)
class CheckOutcome:
    """How a check ended. ``error`` is empty when it passed; ``misused`` when it could not even be made."""

    name: str
    seconds: float
    error: str = ""
    misused: bool = False


def run(options: Options, patterns: Sequence[str], line: Sequence[str], *, listing: bool) -> int:
    """Run or list the checks that match. ``line`` is the command line, to become root with. Raises EngineError."""
    with target.opened(options) as found:
        chosen = matching(found.module, patterns)
        if listing:
            rows = [(check.name, help.first_line(check.description)) for check in chosen]
            sys.stdout.write(columns.table(rows))
            return 0
        if options.interactive:
            alone.require()
            terminal.require()
        return report(_run_all(found, chosen, line))


def matching(module: Module, patterns: Sequence[str]) -> Sequence[Check]:
    """The checks that a pattern (a glob, or the beginning of a name up to a colon) names; all without patterns.

    Raises UserError for a pattern that names none.
    """
    for pattern in patterns:
        if not checks.checks(module, [pattern]).list:
            raise UserError(unknown("check", pattern, [check.name for check in checks.checks(module).list]))
    return checks.checks(module, patterns).list


def _run_all(found: Target, chosen: Sequence[Check], line: Sequence[str]) -> list[CheckOutcome]:
    from baselard.cli import start  # listing needs no engine
    from baselard.cli.recording import Recording

    start.require_privilege(line, found)
    recording = Recording(found.source.context, line)
    return start.walk(found, lambda walk: outcomes(walk, chosen), recording) if chosen else []


async def outcomes(
    walk: "Walk", chosen: Sequence[Check], narrowed: Callable[[Step], Step] = lambda step: step
) -> list[CheckOutcome]:
    """How each of these ends, which run side by side; one of several is a span of its own, so that it can be named.

    ``narrowed`` may give a check's function arguments.
    """
    constructed = await walk.run(chosen[0].steps[:1])

    async def named(check: Check) -> CheckOutcome:
        with spans.opened(f"check {check.name}", walk.invoker.on_span, {spans.CALL: check.name}):
            return await outcome(check)

    async def outcome(check: Check) -> CheckOutcome:
        *way, last = check.steps[1:]
        return await _outcome(walk, check, [*way, narrowed(last)], constructed)

    return list(await asyncio.gather(*(named(one) if len(chosen) > 1 else outcome(one) for one in chosen)))


async def _outcome(walk: "Walk", check: Check, steps: Sequence[Step], constructed: JSON) -> CheckOutcome:
    began = time.monotonic()
    said, misused = "", False
    try:
        value = await walk.run(steps, state=constructed)
        if check.generate and not await walk.ask(
            f"{{ node(id: {quote(value)}) {{ ... on Changeset {{ isEmpty }} }} }}"
        ):
            said = "it changes files: run the generator and keep what it makes"
    except ExecError as error:
        streams = "\n".join(filter(None, [error.stdout.rstrip(), error.stderr.rstrip()]))
        said = f"{' '.join(error.cmd)}: {error}\n{streams}"
    except EngineError as error:
        said, misused = str(error) or type(error).__name__, isinstance(error, UserError | HostError)
    return CheckOutcome(check.name, time.monotonic() - began, said, misused)


def report(outcomes: Sequence[CheckOutcome]) -> int:
    """Write how they ended, the failures' reasons first; the exit code."""
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in failed:
        sys.stderr.write(f"\n{outcome.name} failed:\n{outcome.error}\n")
    sys.stderr.flush()
    width = max((len(outcome.name) for outcome in outcomes), default=0) + 2
    for outcome in outcomes:
        verdict = "failed" if outcome.error else "passed"
        sys.stdout.write(f"{verdict}  {outcome.name:<{width}}{outcome.seconds:.1f} s\n")
    if failed:
        sys.stdout.write(f"{len(failed)} of {len(outcomes)} failed: {', '.join(outcome.name for outcome in failed)}\n")
    elif not outcomes:
        sys.stdout.write("the module has no checks\n")
    if any(outcome.misused for outcome in failed):
        return 2
    return 1 if failed else 0
