"""Checks, generators and services of modules, found and run through the API."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar, cast

from baselard.engine.api import service
from baselard.engine.api.more import changeset
from baselard.engine.api.more.objects.changeset import Changeset
from baselard.engine.api.more.objects.checks import Check, CheckGroup, Generator, GeneratorGroup, Member, Up, UpGroup
from baselard.engine.api.more.objects.json_value import JSONValue
from baselard.engine.api.objects.directory import File, new_file
from baselard.engine.api.objects.function_call import Error, ErrorValue
from baselard.engine.api.objects.serving import served_as
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import EngineError, ExecError, UserError
from baselard.engine.run.services.service import Service
from baselard.oci.text import JSON

Kind = TypeVar("Kind")


@field("Check.run")
async def run_check(ctx: Context, check: Check) -> Check:
    return (await _verdict(ctx, check))[0]


@field("CheckGroup.run")
async def run_checks(ctx: Context, group: CheckGroup, *, fail_fast: bool = False) -> CheckGroup:
    """All at once. As in Dagger, a check that fails is an error of the whole run."""
    work = [asyncio.ensure_future(_verdict(ctx, check)) for check in group.list]
    ended = await _all(work, lambda verdict: fail_fast and verdict[1] is not None)
    if failures := [failure for _, failure in ended if failure]:
        raise failures[0] if len(failures) == 1 else UserError("\n".join(map(str, failures)))
    return CheckGroup(tuple(check for check, _ in ended))


@served_as("CheckGroup.report")
def report(group: CheckGroup) -> File:
    return new_file("checks.md", group.report)


async def _verdict(ctx: Context, check: Check) -> tuple[Check, EngineError | None]:
    try:
        value = await _run(ctx, check)
        if check.generate and not await changeset.is_empty(ctx, _changes(ctx, check, value)):
            raise UserError(f"the generator {check.name} changes files: run it and keep what it makes")
    except EngineError as error:
        return replace(check, completed=True, error=_told(error)), error
    return replace(check, completed=True, error=None), None


def _told(error: EngineError) -> Error:
    if not isinstance(error, ExecError):
        return Error(getattr(error, "told", str(error)))
    facts: dict[str, JSON] = {"_type": "EXEC_ERROR", "cmd": list(error.cmd), "exitCode": error.exit_code}
    facts |= {"stderr": error.stderr.strip(), "stdout": error.stdout.strip()}
    return Error(str(error), tuple(ErrorValue(name, JSONValue.of(value).text) for name, value in facts.items()))


@field("Generator.run")
async def run_generator(ctx: Context, generator: Generator) -> Generator:
    return replace(generator, changes=_changes(ctx, generator, await _run(ctx, generator)))


@field("Generator.isEmpty")
async def generator_is_empty(ctx: Context, generator: Generator) -> bool:
    return await changeset.is_empty(ctx, generator.needed("isEmpty"))


@field("GeneratorGroup.run")
async def run_generators(ctx: Context, group: GeneratorGroup) -> GeneratorGroup:
    work = [asyncio.ensure_future(run_generator(ctx, generator)) for generator in group.list]
    return GeneratorGroup(tuple(await _all(work, lambda _: False)))


@field("GeneratorGroup.changes")
async def group_changes(ctx: Context, group: GeneratorGroup, *, on_conflict: str = "FAIL_EARLY") -> Changeset:
    made = [generator.made() for generator in group.list] or [Changeset()]
    return await changeset.with_changesets(ctx, made[0], changes=made[1:], on_conflict=on_conflict)


@field("GeneratorGroup.isEmpty")
async def group_is_empty(ctx: Context, group: GeneratorGroup) -> bool:
    return all([await generator_is_empty(ctx, generator) for generator in group.list])


@field("Up.run")
async def run_up(ctx: Context, one: Up) -> Up:
    """Lead this machine's ports to the service until the client goes away."""
    started = ctx.session.ids.load(str(await _run(ctx, one)), "Service")
    await service.up(ctx, cast(Service, started))
    return one


@field("UpGroup.run")
async def run_ups(ctx: Context, group: UpGroup) -> UpGroup:
    return UpGroup(tuple(await _all([asyncio.ensure_future(run_up(ctx, one)) for one in group.list], lambda _: False)))


async def _run(ctx: Context, member: Member) -> JSON:
    return await ctx.modules.run(member.module, member.steps)


def _changes(ctx: Context, member: Member, value: JSON) -> Changeset:
    found = ctx.session.ids.load(value) if isinstance(value, str) else None
    if not isinstance(found, Changeset):
        raise UserError(f"the generator {member.name} returns no Changeset")
    return found


async def _all(work: "Sequence[asyncio.Future[Kind]]", enough: Callable[[Kind], bool]) -> list[Kind]:
    """What all came to, in order; without those that were still at work when one came to be ``enough``."""
    waiting = set(work)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if any(enough(one.result()) for one in done):
                break
    finally:
        await _cancelled(waiting)
    return [one.result() for one in work if one.done() and not one.cancelled()]


async def _cancelled(work: "set[asyncio.Future[Kind]]") -> None:
    for one in work:
        one.cancel()
    await asyncio.gather(*work, return_exceptions=True)
