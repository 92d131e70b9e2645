"""Host: files and directories of the machine of the session's client."""

import os
from collections.abc import Callable
from typing import TypeVar

from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.objects.values import Host
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.files.walking import Filter
from baselard.engine.ops import host, nested_host
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output

Strings = tuple[str, ...]
Found = TypeVar("Found", Directory, File)


@field("Query.host")
def query_host(ctx: Context) -> Host:
    if ctx.frame is not None:
        raise UserError(
            "a module's functions have no host on a Dagger engine: take a Directory, File, Secret, Service or Socket "
            "as an argument, which the caller gives; DefaultPath makes one of the module's own files"
        )
    return Host()


@field("Host.directory")
async def directory(
    ctx: Context,
    _host: Host,
    *,
    path: str,
    exclude: Strings = (),
    include: Strings = (),
    no_cache: bool = False,
    gitignore: bool = False,
) -> Directory:
    selected = Filter(tuple(include), tuple(exclude), gitignore)
    where = ctx.inside.absolute(path) if ctx.inside else ctx.host_path(path)

    def load(worker: Worker) -> Directory:
        found = (
            nested_host.load(worker, ctx.inside, path, selected) if ctx.inside else host.load(worker, where, selected)
        )
        return Directory(Output(found))

    return await _once(ctx, ("directory", where, selected), load, fresh=no_cache)


@field("Host.file")
async def file(ctx: Context, _host: Host, *, path: str, no_cache: bool = False) -> File:
    where = ctx.inside.absolute(path) if ctx.inside else ctx.host_path(path)

    def load(worker: Worker) -> File:
        found = (
            nested_host.load_file(worker, ctx.inside, path) if ctx.inside else host.load_file(worker, where, later=True)
        )
        node, name = found
        return File(Output(node), f"/{name}")

    return await _once(ctx, ("file", where), load, fresh=no_cache)


@field("Host.findUp")
def find_up(ctx: Context, _host: Host, *, name: str, no_cache: bool = False) -> str | None:  # noqa: ARG001
    if not name:
        raise UserError("findUp needs the name of a file or directory")
    ctx.need_machine("Host.findUp")
    start = ctx.session.workdir
    for parent in (start, *start.parents):
        if (parent / name).exists():
            return os.path.relpath(parent / name, start)
    return None


async def _once(ctx: Context, key: tuple[object, ...], load: Callable[[Worker], Found], *, fresh: bool) -> Found:
    """What ``load`` finds; the same for the rest of the client's life, whatever happens on the host, unless fresh."""
    known = ctx.session.host_seen
    if fresh or (ctx.client, key) not in known:
        known[ctx.client, key] = await ctx.in_thread(load, ctx.session.worker)
    found: Found = known[ctx.client, key]
    return found
