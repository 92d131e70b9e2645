"""Container and Directory: a shell at the user's terminal, in the midst of a chain."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from engine import sandbox, sandbox_terminal
from engine.containers.command import BindMount, Command
from engine.graph import Value
from engine.objects import execution, mounts
from engine.objects.container import Container, TerminalCommand
from engine.objects.directory import Directory
from engine.objects.execution import Options
from engine.schema import image
from engine.schema.context import Context
from engine.schema.registry import field
from engine.worker import Worker

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
async def directory_terminal(  # noqa: PLR0913 -- the API's arguments
    ctx: Context,
    directory: Directory,
    *,
    container: Container | None = None,
    cmd: tuple[str, ...] = (),
    experimental_privileged_nesting: bool = False,
    insecure_root_capabilities: bool = False,
) -> Directory:
    around = container or await image.container_from(ctx, image.container(ctx), address=_DIRECTORY_IMAGE)
    mount = BindMount(_DIRECTORY_PLACE, directory.output, directory.path)
    around = replace(around, config=replace(around.config, workdir=_DIRECTORY_PLACE))
    around = mounts.with_mount(around, mount)
    await _open(ctx, around, TerminalCommand(cmd, experimental_privileged_nesting, insecure_root_capabilities))
    return directory


async def _open(ctx: Context, container: Container, asked: TerminalCommand) -> None:
    """Run what was asked for, or the container's default, on a copy of the container that goes afterwards."""
    usual = container.terminal
    options = Options(nesting=asked.nesting or usual.nesting, insecure=asked.insecure or usual.insecure)
    command = execution.command(container, asked.args or usual.args, options)
    values = await asyncio.gather(*(ctx.value(output) for output in command.inputs))
    await ctx.in_thread(_attach, ctx.session.worker, command, values)


def _attach(worker: Worker, command: Command, values: Sequence[Value]) -> None:
    with sandbox.prepared(worker, command, values) as box:
        why = f"{' '.join(command.args)} in the container; leave it to go on"
        sandbox_terminal.attach(worker, box, command.args, why)
