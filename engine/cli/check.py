"""``baselard check``: the module's checks, all at once; a check passes when its function does not fail."""

import asyncio
import fnmatch
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import terminal
from engine.cli import help, options, target
from engine.cli.chain import Step
from engine.cli.target import Target
from engine.errors import EngineError, ExecError, UserError
from engine.objects.typedef import Function, Module, TypeDef, kebab

if TYPE_CHECKING:  # listing needs no engine
    from engine.cli.walk import Walk


@dataclass(frozen=True)
class Check:
    """A function that passes or fails, and the functions by which one gets to it; the constructor is the first."""

    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """``object:check``, in kebab-case."""
        return ":".join(kebab(step.function.name) for step in self.steps[1:])


@dataclass(frozen=True)
class Outcome:
    """How a check ended. ``error`` is empty when it passed."""

    name: str
    seconds: float
    error: str = ""


def run(argv: list[str]) -> int:
    """Run or list the checks that match the given patterns. Raises EngineError."""
    asked, patterns = options.split(argv)
    if asked.help:
        sys.stdout.write("Usage: baselard check [-m MODULE] [-l] [PATTERN …]\n")
        return 0
    with target.opened(argv) as found:
        checks = matching(discover(found.module), patterns)
        if asked.listing:
            rows = [(check.name, help.first_line(check.steps[-1].function.description)) for check in checks]
            sys.stdout.write(help.table(rows))
            return 0
        if asked.interactive:
            terminal.require()
        return _report(_run_all(found, checks, argv))


def discover(module: Module) -> list[Check]:
    """The module's checks: functions marked so that can be reached and called without arguments."""
    main = module.main
    if main.constructor is None or _needs(main.constructor):
        return []
    return list(_below(module, main, (Step(main, main.constructor),)))


def matching(checks: Sequence[Check], patterns: Sequence[str]) -> list[Check]:
    """The checks that a pattern (a glob, or the beginning of a name up to a colon) names; all without patterns.

    Raises UserError for a pattern that names none.
    """
    for pattern in patterns:
        if not any(_matches(check.name, pattern) for check in checks):
            raise UserError(options.unknown("check", pattern, [check.name for check in checks]))
    return [check for check in checks if not patterns or any(_matches(check.name, pattern) for pattern in patterns)]


def _below(module: Module, owner: TypeDef, steps: tuple[Step, ...]) -> Iterator[Check]:
    for function in owner.functions:
        if _needs(function):
            continue
        here = (*steps, Step(owner, function))
        if function.check:
            yield Check(here)
        returned = module.find(function.return_type.name)
        if returned and returned.kind == "OBJECT_KIND" and all(step.owner != returned for step in here):
            yield from _below(module, returned, here)


def _needs(function: Function) -> bool:
    return any(arg.required for arg in function.args)


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or name.startswith(pattern + ":")


def _run_all(found: Target, checks: Sequence[Check], argv: Sequence[str]) -> list[Outcome]:
    from engine.cli import start  # noqa: PLC0415 -- listing needs no engine

    async def work(walk: "Walk") -> list[Outcome]:
        constructed = await walk.run(checks[0].steps[:1])
        return list(await asyncio.gather(*(_outcome(walk, check, constructed) for check in checks)))

    start.require_privilege(["check", *argv])
    return start.walk(found, work) if checks else []


async def _outcome(walk: "Walk", check: Check, constructed: object) -> Outcome:
    began = time.monotonic()
    try:
        await walk.run(check.steps[1:], state=constructed)
    except ExecError as error:
        streams = "\n".join(filter(None, [error.stdout.rstrip(), error.stderr.rstrip()]))
        return Outcome(check.name, time.monotonic() - began, f"{' '.join(error.cmd)}: {error}\n{streams}")
    except EngineError as error:
        return Outcome(check.name, time.monotonic() - began, str(error) or type(error).__name__)
    return Outcome(check.name, time.monotonic() - began)


def _report(outcomes: Sequence[Outcome]) -> int:
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
    return 1 if failed else 0
