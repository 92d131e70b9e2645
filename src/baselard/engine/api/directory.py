"""Directory: what is in it, and new ones made of it."""

from pathlib import Path

from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.objects.serving import shows
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.files import exporting, reading
from baselard.engine.files.reading import FileType, Stat

_NOT_THERE = "stat : no such file or directory"  # what a path without a name leads to


def expected(kind: str) -> FileType | None:
    """The type that one of the API's ExistsType means."""
    return FileType(kind.removesuffix("_TYPE")) if kind else None


@field("Directory.sync")
async def sync(ctx: Context, directory: Directory) -> str:
    if directory.path == "/":  # every tree has a root
        await ctx.value(directory.output)
    else:
        await ctx.look(directory.output, lambda root: reading.directory(root, directory.path, directory.said))
    return ctx.id(directory)


@field("Directory.name")
async def name(ctx: Context, directory: Directory) -> str:
    if directory.said:  # chosen by a path, where nothing need be
        await ctx.look(directory.output, lambda root: reading.directory(root, directory.path, directory.said))
    return directory.name


@field("Directory.entries")
async def entries(ctx: Context, directory: Directory, *, path: str = "") -> list[str]:
    chosen = directory.directory(path) if path else directory
    return await ctx.look(directory.output, lambda root: reading.entries(root, chosen.path, chosen.said))


@field("Directory.glob")
async def glob(ctx: Context, directory: Directory, *, pattern: str) -> list[str]:
    return await ctx.look(directory.output, lambda root: reading.glob(root, directory.path, pattern))


@field("Directory.exists")
async def exists(
    ctx: Context, directory: Directory, *, path: str, expected_type: str = "", do_not_follow_symlinks: bool = False
) -> bool:
    if not path:
        return False
    where = directory.inside(path)
    kind, follow = expected(expected_type), not do_not_follow_symlinks
    return await ctx.look(directory.output, lambda root: reading.exists(root, where, kind, follow=follow))


@shows("Stat.name", "Stat.permissions", "Stat.size", **{"Stat.fileType": "kind.value"})
@field("Directory.stat")
async def stat(ctx: Context, directory: Directory, *, path: str, do_not_follow_symlinks: bool = False) -> Stat:
    if not path:
        raise UserError(_NOT_THERE)
    where = directory.inside(path)
    follow = not do_not_follow_symlinks
    return await ctx.look(directory.output, lambda root: reading.status(root, where, path, follow=follow))


@field("Directory.findUp")
async def find_up(ctx: Context, directory: Directory, *, name: str, start: str) -> str | None:
    return await ctx.look(directory.output, lambda root: reading.find_up(root, directory.path, name, start))


@field("Directory.file")
async def file(ctx: Context, directory: Directory, *, path: str) -> File:
    """Looked for at once, as Dagger does, so that asking for it tells whether it is there."""
    if not path:
        raise UserError(_NOT_THERE)
    chosen = directory.file(path)
    await ctx.look(directory.output, lambda root: reading.file(root, chosen.path, chosen.said))
    return chosen


@field("Directory.export")
async def export(ctx: Context, directory: Directory, *, path: str, wipe: bool = False) -> str:
    target = Path(ctx.host_path(path))

    def write(root: Path) -> Path:
        return exporting.export_directory(reading.directory(root, directory.path, directory.said), target, wipe=wipe)

    return str(await ctx.look(directory.output, write))
