"""Sources of modules: directories of this machine, repositories, directories that were made; and modules from them."""

import json
from dataclasses import replace
from pathlib import Path

from baselard.engine.api.more.objects.changeset import Changeset
from baselard.engine.api.more.objects.env_file import EnvFile
from baselard.engine.api.more.objects.module_source import ModuleSource, SDKConfig
from baselard.engine.api.objects.directory import EMPTY, Directory, File, new_file
from baselard.engine.api.objects.function_call import CurrentModule
from baselard.engine.api.objects.serving import served_as
from baselard.engine.api.objects.typedef import Module
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.files import exporting, inside, paths, reading
from baselard.engine.files.walking import Filter
from baselard.engine.host import git
from baselard.engine.host.git_command import Access
from baselard.engine.ops import host
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output

CONFIG = "dagger.json"


@field("Query.moduleSource")
async def module_source(
    ctx: Context,
    *,
    ref_string: str,
    ref_pin: str = "",
    disable_find_up: bool = False,
    allow_not_exists: bool = False,
    require_kind: str | None = None,
) -> ModuleSource:
    ctx.need_machine("a module's source")
    fetched = await ctx.in_thread(ctx.modules.fetch, f"{ref_string}{'@' + ref_pin if ref_pin else ''}")
    kind = "GIT_SOURCE" if fetched else "LOCAL_SOURCE"
    if require_kind and require_kind != kind:
        raise UserError(f"module source {ref_string} is {kind}, not {require_kind}")
    root = fetched or Path(ctx.host_path(ref_string))
    if not disable_find_up:
        root = next((above for above in (root, *root.parents) if (above / CONFIG).is_file()), root)
    if not allow_not_exists and not root.is_dir():
        raise UserError(f"module source {ref_string}: there is no directory {root}")
    made = _of_directory(kind, root, ref_string)
    return await ctx.in_thread(_with_origin, made, ref_string) if fetched else made


def _of_directory(kind: str, root: Path, reference: str) -> ModuleSource:
    context = next((above for above in (root, *root.parents) if (above / ".git").exists()), root)
    try:
        config = _text(root, CONFIG)
        json.loads(config or "{}")
    except (ValueError, RecursionError) as error:
        raise UserError(f"failed to decode module config: {root / CONFIG}: {error}") from None
    return ModuleSource(kind, str(context), str(root.relative_to(context)), config, reference)


def _with_origin(source: ModuleSource, reference: str) -> ModuleSource:
    """With what git says of the checkout."""
    url, version = reference.partition("#")[::2] if "#" in reference else reference.rpartition("@")[::2]
    commit = git.output(("rev-parse", "HEAD"), Access(reference), cwd=Path(source.context)).decode().strip()
    return replace(source, clone_ref=url or version, version=version if url else "", commit=commit)


@field("Directory.asModuleSource")
async def as_module_source(ctx: Context, directory: Directory, *, source_root_path: str = ".") -> ModuleSource:
    """The directory's content is laid out on this machine, where its functions will run."""
    if paths.climbs(source_root_path):
        raise UserError(f"source root path {source_root_path!r} escapes context")
    place = ctx.modules.place(digest.of("directory.v1", directory))
    await ctx.look(directory.output, lambda root: _laid_out(root, directory, place))
    made = _of_directory("DIR_SOURCE", place / paths.clean(source_root_path), source_root_path)
    subpath = paths.clean(source_root_path) or "."
    return replace(made, context=str(place), subpath=subpath, given=directory)


def _laid_out(root: Path, directory: Directory, place: Path) -> None:
    if not place.exists():
        exporting.export_directory(reading.directory(root, directory.path), place, wipe=False)


@field("Directory.asModule")
async def directory_as_module(ctx: Context, directory: Directory, *, source_root_path: str = ".") -> Module:
    return await as_module(ctx, await as_module_source(ctx, directory, source_root_path=source_root_path))


@field("ModuleSource.asModule")
async def as_module(ctx: Context, source: ModuleSource) -> Module:
    ctx.need_machine("a module, whose functions run on this machine,")
    return await ctx.modules.load(Path(source.root))


@field("ModuleSource.sync")
def sync_source(ctx: Context, source: ModuleSource) -> str:
    return ctx.id(source)


@field("ModuleSource.dependencies")
async def dependencies(ctx: Context, source: ModuleSource) -> list[ModuleSource]:
    return [await module_source(ctx, ref_string=name) for name in source.others("dependencies")]


@field("ModuleSource.toolchains")
async def toolchains(ctx: Context, source: ModuleSource) -> list[ModuleSource]:
    return [await module_source(ctx, ref_string=name) for name in source.others("toolchains")]


@field("ModuleSource.contextDirectory")
@field("ModuleSource.generatedContextDirectory")
async def context_directory(ctx: Context, source: ModuleSource) -> Directory:
    return await _loaded(ctx, source.context)


@field("ModuleSource.generatedContextChangeset")
async def generated_changes(ctx: Context, source: ModuleSource) -> Changeset:
    """Empty: the SDK is installed beside a module here, not generated into it."""
    same = await context_directory(ctx, source)
    return Changeset(same, same)


@field("ModuleSource.directory")
async def source_directory(ctx: Context, source: ModuleSource, *, path: str) -> Directory:
    """Seen from where the code is; ``..`` leads up to the context's root."""
    where = paths.resolve(source.context, f"{source.source_subpath()}/{path}")
    return await _loaded(ctx, paths.under(source.context, where))


@field("ModuleSource.digest")
async def source_digest(ctx: Context, source: ModuleSource) -> str:
    return (await ctx.value((await _loaded(ctx, source.root)).output)).digest


@served_as("ModuleSource.userDefaults")
def source_defaults(source: ModuleSource) -> EnvFile:
    return _defaults(source.root)


@field("ModuleSource.introspectionSchemaJSON")
@field("Module.introspectionSchemaJSON")
def schema_json(ctx: Context, _of: ModuleSource | Module) -> File:
    text = ctx.session.api.described().decode()
    return new_file("schema.json", text)


@served_as("Module.source")
def source(module: Module) -> ModuleSource | None:
    return _of_directory("LOCAL_SOURCE", Path(module.root), module.root) if module.root else None


@served_as("Module.sdk")
def sdk(module: Module) -> SDKConfig | None:
    found = source(module)
    return found.sdk if found else None


@field("Module.sync")
def sync(ctx: Context, module: Module) -> str:
    return ctx.id(module)


@served_as("Module.dependencies", "CurrentModule.dependencies")
def module_dependencies(_module: Module | CurrentModule) -> list[Module]:
    return []  # a module that depends on others is refused before it is loaded


@field("Module.generatedContextDirectory")
async def module_context(ctx: Context, module: Module) -> Directory:
    found = source(module)
    return await context_directory(ctx, found) if found else Directory(EMPTY)


@served_as("Module.userDefaults")
def module_defaults(module: Module) -> EnvFile:
    return _defaults(module.root)


def _defaults(root: str) -> EnvFile:
    """What ``.env`` beside dagger.json says."""
    try:
        return EnvFile.parse(_text(Path(root), ".env") if root else "")
    except UnicodeDecodeError as error:
        raise UserError(f"{root}/.env: {error}") from None


def _text(root: Path, name: str) -> str:
    """What a file of a module holds, nothing when there is none; a link leads nowhere but into the module."""
    return (inside.read(root, name) or b"").decode() if root.is_dir() else ""


async def _loaded(ctx: Context, path: str) -> Directory:
    return Directory(Output(await ctx.in_thread(host.load, ctx.session.worker, path, Filter(exclude=(".git",)))))
