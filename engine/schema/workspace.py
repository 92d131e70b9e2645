"""What a module may see of where it is called: its own source, and the project around the caller."""

# ruff: noqa: PLR0913 -- resolvers take the arguments that the API has

import os
import posixpath
from pathlib import Path

from engine.errors import UserError
from engine.files import paths
from engine.files.walking import Filter
from engine.graph import Output
from engine.objects.directory import Directory, File
from engine.objects.typedef import CurrentModule
from engine.objects.values import Workspace
from engine.ops import host
from engine.schema.context import Context
from engine.schema.registry import attributes, field, not_served

Strings = tuple[str, ...]

attributes("CurrentModule", "name")
attributes("Workspace", "path")

for _name in ("checks", "generators", "services", "update"):
    not_served(f"Workspace.{_name}", "run them from the command line: baselard check, baselard call")


@field("Query.currentModule")
def current_module(ctx: Context) -> CurrentModule:
    if ctx.frame is None:
        raise UserError("there is no current module: this client is no module's function")
    module: CurrentModule = ctx.frame.module
    return module


@field("CurrentModule.source")
async def source(ctx: Context, module: CurrentModule) -> Directory:
    node = await ctx.in_thread(host.load, ctx.session.worker, str(module.directory), Filter(exclude=(".git",)))
    return Directory(Output(node))


@field("Query.currentWorkspace")
def current_workspace(ctx: Context) -> Workspace:
    here = ctx.session.workdir
    root = next((parent for parent in (here, *here.parents) if (parent / ".git").exists()), here)
    return Workspace(str(root), "/" + str(here.relative_to(root)).lstrip("."))


@field("Workspace.address")
def address(_ctx: Context, workspace: Workspace) -> str:
    return f"file://{workspace.root}"


@field("Workspace.clientId")
def client_id(ctx: Context, _workspace: Workspace) -> str:
    return ctx.client


@field("Workspace.hasConfig")
@field("Workspace.initialized")
def has_config(_ctx: Context, workspace: Workspace) -> bool:
    return (Path(workspace.root) / "dagger.json").exists()


@field("Workspace.configPath")
def config_path(ctx: Context, workspace: Workspace) -> str:
    return "dagger.json" if has_config(ctx, workspace) else ""


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
    node = await ctx.in_thread(host.load, ctx.session.worker, _inside(workspace, path), selected)
    return Directory(Output(node))


@field("Workspace.file")
async def file(ctx: Context, workspace: Workspace, *, path: str) -> File:
    node, name = await ctx.in_thread(host.load_file, ctx.session.worker, _inside(workspace, path))
    return File(Output(node), f"/{name}")


@field("Workspace.findUp")
def find_up(_ctx: Context, workspace: Workspace, *, name: str, from_: str = ".") -> str | None:
    here = paths.clean(posixpath.join("/", workspace.path, from_))
    while not os.path.exists(os.path.join(workspace.root, here, name)):
        if not here:
            return None
        here = posixpath.dirname(here)
    return posixpath.join("/", here, name)


def _inside(workspace: Workspace, path: str) -> str:
    """The host's path of one seen from where the client is. Raises UserError if it is outside of the workspace."""
    relative = paths.clean(posixpath.join("/", workspace.path, path))
    return paths.under(workspace.root, paths.resolve(workspace.root, relative))
