"""Text in files: search and replace."""

import posixpath
from dataclasses import replace
from typing import Any

from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.objects.serving import served_as, shows
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.files import searching
from baselard.engine.files.searching import SearchResult, Wanted
from baselard.engine.ops.replace import Replace
from baselard.engine.solver.graph import Output

Strings = tuple[str, ...]
_RESULT = ("filePath", "lineNumber", "absoluteOffset", "matchedLines", "submatches")
_SUBMATCH = ("text", "start", "end")


@shows(*(f"SearchResult.{name}" for name in _RESULT), *(f"SearchSubmatch.{name}" for name in _SUBMATCH))
@field("Directory.search")
async def search_directory(
    ctx: Context, directory: Directory, *, pattern: str, paths: Strings = (), globs: Strings = (), **options: Any
) -> list[SearchResult]:
    wanted = Wanted(pattern, **options)
    return await ctx.look(
        directory.output,
        lambda root: searching.search(root, directory.path, wanted, within=paths, globs=globs),
    )


@field("File.search")
async def search_file(
    ctx: Context,
    file: File,
    *,
    pattern: str,
    paths: Strings = (),  # noqa: ARG001 -- the API has both, though there is but one file
    globs: Strings = (),  # noqa: ARG001
    **options: Any,
) -> list[SearchResult]:
    wanted = Wanted(pattern, **options)
    parent, name = posixpath.split(file.path)
    results = await ctx.look(file.output, lambda root: searching.search(root, parent, wanted, within=[name]))
    return [replace(one, file_path=name) for one in results]


@served_as("File.withReplaced")
def with_replaced(
    file: File, *, search: str, replacement: str, all: bool = False, first_from: int | None = None
) -> File:
    node = Replace(file.output, file.path, search.encode(), replacement.encode(), all, first_from)
    return File(Output(node), file.path)
