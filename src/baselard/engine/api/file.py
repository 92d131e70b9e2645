"""File: what is in it, and new ones made of it."""

from pathlib import Path

from baselard.engine.api.objects.directory import File
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.files import exporting, reading
from baselard.engine.files.reading import Stat


@field("File.name")
async def name(ctx: Context, file: File) -> str:
    if file.said:  # chosen by a path, where nothing need be
        await ctx.look(file.output, lambda root: reading.file(root, file.path, file.said))
    return file.name


@field("File.sync")
async def sync(ctx: Context, file: File) -> str:
    await ctx.look(file.output, lambda root: reading.size(root, file.path, file.said))
    return ctx.id(file)


@field("File.contents")
async def contents(ctx: Context, file: File, *, offset_lines: int = 0, limit_lines: int | None = None) -> str:
    data = await ctx.look(file.output, lambda root: reading.contents(root, file.path, file.said))
    if offset_lines or limit_lines is not None:
        data = reading.lines(data, offset_lines, limit_lines)
    return data.decode(errors="replace")


@field("File.size")
async def size(ctx: Context, file: File) -> int:
    return await ctx.look(file.output, lambda root: reading.size(root, file.path, file.said))


@field("File.stat")
async def stat(ctx: Context, file: File) -> Stat:
    return await ctx.look(file.output, lambda root: reading.status(root, file.path))


@field("File.export")
async def export(ctx: Context, file: File, *, path: str, allow_parent_dir_path: bool = False) -> str:
    target = Path(ctx.host_path(path))
    into = allow_parent_dir_path

    def write(root: Path) -> Path:
        source = reading.file(root, file.path, file.said)
        return exporting.export_file(source, target, allow_parent=into, name=file.name)

    return str(await ctx.look(file.output, write))
