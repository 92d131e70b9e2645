"""Changeset: what one directory has otherwise than another; and patches."""

import sys
from functools import partial
from pathlib import Path

from baselard.engine.api.objects import changeset as changesets
from baselard.engine.api.objects.changeset import Changed, Changeset, DiffStat
from baselard.engine.api.objects.directory import EMPTY, Directory, File, new_file
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UnsupportedError
from baselard.engine.files import exporting
from baselard.engine.ops.copy import opened
from baselard.engine.ops.merge import Diff
from baselard.engine.ops.patch import ApplyPatch, compared
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Value
from baselard.oci.digits import whole

_KINDS = {"A": "ADDED", "M": "MODIFIED", "D": "REMOVED", "R": "RENAMED", "T": "MODIFIED"}
_NOTHING = "/dev/null"


@field("Query.changeset")
def changeset(_ctx: Context) -> Changeset:
    return Changeset(Directory(EMPTY), Directory(EMPTY))


@field("Directory.diff")
def diff(_ctx: Context, directory: Directory, *, other: Directory) -> Directory:
    return Directory(Output(Diff(directory.output, other.output, directory.path, other.path)))


@field("Directory.changes")
def changes(_ctx: Context, directory: Directory, *, from_: Directory) -> Changeset:
    return Changeset(from_, directory)


@field("Directory.withChanges")
def with_changes(_ctx: Context, directory: Directory, *, changes: Changeset) -> Directory:
    return changes.applied(directory)


@field("Directory.withPatch")
def with_patch(_ctx: Context, directory: Directory, *, patch: str) -> Directory:
    text = new_file("patch", patch)
    return with_patch_file(_ctx, directory, patch=text)


@field("Directory.withPatchFile")
def with_patch_file(_ctx: Context, directory: Directory, *, patch: File) -> Directory:
    return directory.after(ApplyPatch(directory.output, patch.output, patch.path, directory.path))


@field("Changeset.sync")
async def sync(ctx: Context, changes: Changeset) -> str:
    await _changed(ctx, changes)
    return ctx.id(changes)


@field("Changeset.addedPaths")
async def added_paths(ctx: Context, changes: Changeset) -> tuple[str, ...]:
    return (await _changed(ctx, changes)).added


@field("Changeset.modifiedPaths")
async def modified_paths(ctx: Context, changes: Changeset) -> tuple[str, ...]:
    return (await _changed(ctx, changes)).modified


@field("Changeset.removedPaths")
async def removed_paths(ctx: Context, changes: Changeset) -> tuple[str, ...]:
    return (await _changed(ctx, changes)).removed


@field("Changeset.isEmpty")
async def is_empty(ctx: Context, changes: Changeset) -> bool:
    return (await _changed(ctx, changes)).empty


@field("Changeset.asPatch")
def as_patch(_ctx: Context, changes: Changeset) -> File:
    return changes.patch


@field("Changeset.diffStats")
async def diff_stats(ctx: Context, changes: Changeset) -> list[DiffStat]:
    older, newer = await _values(ctx, changes)
    ask = partial(compared, ctx.session.worker, older, newer)
    raw, lines = await ctx.in_thread(ask, "--raw", "-z"), await ctx.in_thread(ask, "--numstat", "-z")
    found = await _changed(ctx, changes)
    directories = [DiffStat(path, "ADDED") for path in found.added if path.endswith("/")]
    directories += [DiffStat(path, "REMOVED") for path in found.removed if path.endswith("/")]
    return sorted([*_files(raw, _counts(lines)), *directories], key=lambda stat: stat.path)


@field("Changeset.withChangeset", missing="conflicts: only FAIL and FAIL_EARLY")
def with_changeset(ctx: Context, mine: Changeset, *, changes: Changeset, on_conflict: str = "FAIL") -> Changeset:
    return with_changesets(ctx, mine, changes=(changes,), on_conflict=on_conflict)


@field("Changeset.withChangesets")
def with_changesets(
    _ctx: Context, mine: Changeset, *, changes: tuple[Changeset, ...], on_conflict: str = "FAIL"
) -> Changeset:
    if on_conflict not in ("FAIL", "FAIL_EARLY"):
        raise UnsupportedError(f"onConflict: {on_conflict}", "resolve the conflict in one of the directories first")
    after = mine.after
    for other in changes:
        after = with_patch_file(_ctx, after, patch=other.patch)
    return Changeset(mine.before, after)


@field("Changeset.export")
async def export(ctx: Context, changes: Changeset, *, path: str) -> str:
    target = ctx.host_path(path)
    found = await _changed(ctx, changes)

    def write(root: Path) -> None:
        changesets.remove(target, found.removed)  # before what may stand in its place
        exporting.export_directory(str(root), Path(target), wipe=False)

    await ctx.look(changes.layer.output, write)
    return target


async def _values(ctx: Context, changes: Changeset) -> tuple[tuple[Value, str], tuple[Value, str]]:
    before, after = changes.before, changes.after
    return (await ctx.value(before.output), before.path), (await ctx.value(after.output), after.path)


async def _changed(ctx: Context, changes: Changeset) -> Changed:
    return await ctx.in_thread(_compare, ctx.session.worker, *await _values(ctx, changes))


def _compare(worker: Worker, older: tuple[Value, str], newer: tuple[Value, str]) -> Changed:
    with opened(worker, *older) as (before, _), opened(worker, *newer) as (after, _):
        return changesets.changed(before.root, after.root)


def _counts(text: bytes) -> dict[str, tuple[int, int]]:
    """``git diff --numstat -z``: added, removed and path; for a rename an empty path and then both names."""
    parts = iter(text.decode(errors="surrogateescape").split("\0"))
    counts: dict[str, tuple[int, int]] = {}
    for part in parts:
        if part:
            added, removed, path = part.split("\t", 2)
            if not path:  # both names follow, also for what is new or gone
                old, new = next(parts), next(parts)
                path = old if new == _NOTHING else new
            counts[_inside(path)] = (_number(added), _number(removed))
    return counts


def _files(text: bytes, counts: dict[str, tuple[int, int]]) -> list[DiffStat]:
    """``git diff --raw -z``: modes, names and a status letter, then one path, or two for a rename."""
    parts = iter(text.decode(errors="surrogateescape").split("\0"))
    stats = []
    for part in parts:
        if part:
            status = part.rsplit(" ", 1)[1][0]
            old = next(parts)
            new = next(parts) if status == "R" else old
            path = _inside(new)
            stats.append(
                DiffStat(path, _KINDS[status], *counts.get(path, (0, 0)), _inside(old) if new != old else None)
            )
    return stats


def _inside(path: str) -> str:
    """Without the ``a/`` or ``b/`` in front."""
    return path.partition("/")[2]


def _number(text: str) -> int:
    return whole(text, sys.maxsize) or 0  # binary files have a dash
