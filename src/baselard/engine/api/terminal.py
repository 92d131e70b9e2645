"""Container and Directory: a shell at the user's terminal, in the midst of a chain."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from baselard.engine.api import image
from baselard.engine.api.objects import execution, mounts
from baselard.engine.api.objects.container import Container, TerminalCommand
from baselard.engine.api.objects.directory import Directory
from baselard.engine.api.objects.execution import ExecOptions
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.run import interactive, sandbox
from baselard.engine.run.containers.command import BindMount, Command
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Value

_DIRECTORY_IMAGE = "debian:trixie-slim"  # what there is without a registry, too
_DIRECTORY_PLACE = "/src"


@field("Container.terminal")
async def container_terminal(
    ctx: Context,
    container: Container,
    *,
    cmd: tuple[str, ...] = (),
    experimental_privileged_nesting: bool = False,
    insecure_root_capabilities: bool = False,
) -> Container:
    await _open(ctx, container, TerminalCommand(cmd, experimental_privileged_nesting, insecure_root_capabilities))
    return container


@field("Directory.terminal")
async def directory_terminal(
    ctx: Context,
    directory: Directory,
    *,
    container: Container | None = None,
    cmd: tuple[str, ...] = (),
    experimental_privileged_nesting: bool = False,
    insecure_root_capabilities: bool = False,
) -> Directory:
    around = container or await image.container_from(ctx, image.container(), address=_DIRECTORY_IMAGE)
    mount = BindMount(_DIRECTORY_PLACE, directory.output, directory.path)
    around = replace(around, config=replace(around.config, workdir=_DIRECTORY_PLACE))
    around = mounts.with_mount(around, mount)
    await _open(ctx, around, TerminalCommand(cmd, experimental_privileged_nesting, insecure_root_capabilities))
    return directory


async def _open(ctx: Context, container: Container, asked: TerminalCommand) -> None:
    """Run what was asked for, or the container's default, on a copy of the container that goes afterwards."""
    ctx.need_machine("a terminal")
    usual = container.terminal
    options = ExecOptions(nesting=asked.nesting or usual.nesting, insecure=asked.insecure or usual.insecure)
    command = execution.command(container, asked.args or usual.args, options)
    values = await asyncio.gather(*(ctx.value(output) for output in command.inputs))
    await ctx.in_thread(_attach, ctx.session.worker, command, values)


def _attach(worker: Worker, command: Command, values: Sequence[Value]) -> None:
    with sandbox.prepared(worker, command, values) as box, box.assembled():
        why = f"{' '.join(command.args)} in the container; leave it to go on"
        interactive.attach(worker, box, command.args, why)
