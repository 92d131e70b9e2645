"""The place of a call, as a module may see it: its own source, and the project around the caller."""

import posixpath
from pathlib import Path

from baselard.engine.api.more.objects import checks
from baselard.engine.api.more.objects.checks import CheckGroup, GeneratorGroup, UpGroup
from baselard.engine.api.more.objects.workspace import CONFIG, Workspace
from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.objects.function_call import CurrentModule
from baselard.engine.api.objects.typedef import Module
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.files import paths
from baselard.engine.files.walking import Filter
from baselard.engine.ops import host
from baselard.engine.solver.graph import Output

Strings = tuple[str, ...]


@field("Query.currentModule")
def current_module(ctx: Context) -> CurrentModule:
    if ctx.frame is None:
        raise UserError("there is no current module: this client is not a module's function")
    return ctx.frame.module


@field("CurrentModule.generators")
async def own_generators(ctx: Context, module: CurrentModule, *, include: Strings = ()) -> GeneratorGroup:
    return checks.generators(await ctx.modules.load(module.root), include)


@field("CurrentModule.workdir")
async def workdir(
    ctx: Context,
    module: CurrentModule,
    *,
    path: str,
    exclude: Strings = (),
    include: Strings = (),
    gitignore: bool = False,
) -> Directory:
    """Of the directory that the module's functions are run in, which is its source here."""
    selected = Filter(tuple(include), tuple(exclude), gitignore)
    place = _of_module(module, path)
    return Directory(Output(await ctx.in_thread(host.load, ctx.session.worker, place, selected)))


def _of_module(module: CurrentModule, path: str) -> str:
    """The host's path of one in the module's directory. Raises UserError if it is outside of that."""
    if paths.climbs(path):
        raise UserError(f"workdir path {path!r} escapes workdir")
    return paths.under(str(module.directory), paths.resolve(str(module.directory), path))


@field("CurrentModule.workdirFile")
async def workdir_file(ctx: Context, module: CurrentModule, *, path: str) -> File:
    place = _of_module(module, path)
    node, name = await ctx.in_thread(host.load_file, ctx.session.worker, place)
    return File(Output(node), f"/{name}")


@field("CurrentModule.generatedContextDirectory")
@field("CurrentModule.source")
async def source(ctx: Context, module: CurrentModule) -> Directory:
    node = await ctx.in_thread(host.load, ctx.session.worker, str(module.directory), Filter(exclude=(".git",)))
    return Directory(Output(node))


@field("Query.currentWorkspace")
def current_workspace(ctx: Context) -> Workspace:
    ctx.need_machine("the workspace")
    here = ctx.session.workdir
    root = next((parent for parent in (here, *here.parents) if (parent / ".git").exists()), here)
    return Workspace(str(root), posixpath.join("/", *here.relative_to(root).parts))


@field("Workspace.clientId")
def client_id(ctx: Context, _workspace: Workspace) -> str:
    return ctx.client


@field("Workspace.directory")
async def directory(
    ctx: Context,
    workspace: Workspace,
    *,
    path: str,
    exclude: Strings = (),
    include: Strings = (),
    gitignore: bool = False,
) -> Directory:
    selected = Filter(tuple(include), tuple(exclude), gitignore)
    node = await ctx.in_thread(host.load, ctx.session.worker, workspace.inside(path), selected)
    return Directory(Output(node))


@field("Workspace.file")
async def file(ctx: Context, workspace: Workspace, *, path: str) -> File:
    node, name = await ctx.in_thread(host.load_file, ctx.session.worker, workspace.inside(path))
    return File(Output(node), f"/{name}")


@field("Workspace.checks")
async def workspace_checks(
    ctx: Context,
    workspace: Workspace,
    *,
    include: Strings = (),
    no_generate: bool = False,
    only_generate: bool = False,
) -> CheckGroup:
    module = await _module(ctx, workspace)
    if module is None:
        return CheckGroup(())
    return checks.checks(module, include, prefix=module.name, check=not only_generate, generate=not no_generate)


@field("Workspace.generators")
async def workspace_generators(ctx: Context, workspace: Workspace, *, include: Strings = ()) -> GeneratorGroup:
    module = await _module(ctx, workspace)
    return checks.generators(module, include, prefix=module.name) if module else GeneratorGroup(())


@field("Workspace.services")
async def workspace_services(ctx: Context, workspace: Workspace, *, include: Strings = ()) -> UpGroup:
    module = await _module(ctx, workspace)
    return checks.services(module, include, prefix=module.name) if module else UpGroup(())


async def _module(ctx: Context, workspace: Workspace) -> Module | None:
    """The module that is nearest to where the client is, if the session loads those of its workspace."""
    found = workspace.find_up(CONFIG) if ctx.session.workspace_modules else None
    return await ctx.modules.load(Path(workspace.root + found).parent) if found else None
