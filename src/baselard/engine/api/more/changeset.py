"""Changeset: what one directory has otherwise than another; and patches."""

import itertools
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from baselard.engine.api import remote
from baselard.engine.api.more.objects import changeset as changesets
from baselard.engine.api.more.objects.changeset import ChangedPaths, Changeset, DiffStat
from baselard.engine.api.objects.directory import Directory
from baselard.engine.api.objects.git_repository import GitRepository
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.files import exporting, git_directory, patterns
from baselard.engine.host import git
from baselard.engine.host.git_command import Access
from baselard.engine.ops.copy import opened
from baselard.engine.ops.patch import compared
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Value
from baselard.oci.digits import decimal

_KINDS = {"A": "ADDED", "M": "MODIFIED", "D": "REMOVED", "R": "RENAMED", "T": "MODIFIED"}
_NOTHING = "/dev/null"
_PREFER = {"PREFER_OURS": "ours", "PREFER_THEIRS": "theirs", "LEAVE_CONFLICT_MARKERS": "markers"}


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


@field("Changeset.diffStats")
async def diff_stats(ctx: Context, changes: Changeset) -> list[DiffStat]:
    older, newer = await _values(ctx, changes)
    ask = partial(compared, ctx.session.worker, older, newer)
    raw, lines = await ctx.in_thread(ask, "--raw", "-z"), await ctx.in_thread(ask, "--numstat", "-z")
    changed = await _changed(ctx, changes)
    directories = [DiffStat(path, "ADDED") for path in changed.added if path.endswith("/")]
    directories += [DiffStat(path, "REMOVED") for path in changed.gone if path.endswith("/")]
    return sorted([*_files(raw, _counts(lines)), *directories], key=lambda stat: stat.path)


@field("Changeset.export")
async def export(ctx: Context, changes: Changeset, *, path: str) -> str:
    target = ctx.host_path(path)
    changed = await _changed(ctx, changes)

    def write(root: Path) -> None:
        changesets.remove(target, changed.removed)  # before what may stand in its place
        exporting.export_directory(str(root), Path(target), wipe=False)

    await ctx.look(changes.layer.output, write)
    return target


@field("GitRepository.uncommitted")
async def uncommitted(ctx: Context, repository: GitRepository) -> Changeset:
    """Only where files are checked out: a remote, a bare repository and a ``.git`` alone have nothing uncommitted.

    What is ignored is on both sides, as on a Dagger engine, which cleans a copy of the directory.
    """
    source, path = repository.remote.source, repository.remote.source_path
    if source is None:
        return Changeset()
    whole, head = Directory(source, path), await remote.head(ctx, repository)
    ignored = await ctx.in_thread(_ignored, ctx.session.worker, await ctx.value(source), path)
    if ignored is None:
        return Changeset(whole, whole)
    kept = whole.filter(include=tuple(map(patterns.literal, (".git", *ignored))))
    return Changeset(kept.with_directory("/", head.tree(discard_git_dir=True)), whole)


def _ignored(worker: Worker, value: Value, path: str) -> list[str] | None:
    with opened(worker, value, path) as (source, _):
        place = git_directory.of(source.root, path)
        return git.ignored(Access(place, strange=True), source.root) if place != source.root else None


@field("Changeset.withChangeset")
async def with_changeset(ctx: Context, mine: Changeset, *, changes: Changeset, on_conflict: str = "FAIL") -> Changeset:
    return await with_changesets(ctx, mine, changes=(changes,), on_conflict=on_conflict)


@field("Changeset.withChangesets")
async def with_changesets(
    ctx: Context, mine: Changeset, *, changes: Sequence[Changeset], on_conflict: str = "FAIL"
) -> Changeset:
    """With the changes of others. Raises UserError at once where they do not go together."""
    if not changes:
        return mine
    if on_conflict == "FAIL_EARLY":
        await _check_conflicts(ctx, (mine, *changes))
    merged = mine.merged(changes, _PREFER.get(on_conflict, ""))
    await ctx.value(merged.after.output)
    return merged


async def _check_conflicts(ctx: Context, every: Sequence[Changeset]) -> None:
    changed = [await _changed(ctx, changes) for changes in every]
    if conflicts := [text for one, other in itertools.combinations(changed, 2) for text in one.conflicts(other)]:
        raise UserError("\n".join(conflicts))


async def _values(ctx: Context, changes: Changeset) -> tuple[tuple[Value, str], tuple[Value, str]]:
    before, after = changes.before, changes.after
    return (await ctx.value(before.output), before.path), (await ctx.value(after.output), after.path)


async def _changed(ctx: Context, changes: Changeset) -> ChangedPaths:
    return await ctx.in_thread(_compare, ctx.session.worker, *await _values(ctx, changes))


def _compare(worker: Worker, older: tuple[Value, str], newer: tuple[Value, str]) -> ChangedPaths:
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
    return decimal(text, sys.maxsize) or 0  # binary files have a dash
