"""``baselard prune``: free space in the store."""

import contextlib
import re
import sys
from collections.abc import Sequence

from baselard.cli import places, start
from baselard.engine.errors import UserError
from baselard.engine.store import collect
from baselard.engine.store.collect import Freed, Policy
from baselard.engine.store.database import Store

_TIME = re.compile(r"([0-9]{1,18}(?:\.[0-9]+)?)([smhdw]?)\Z")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def run(policy: Policy, line: Sequence[str], *, dry_run: bool) -> int:
    """Collect and say what went. ``line`` is the command line, to become root with. Raises EngineError."""
    start.require_privilege(line)
    with contextlib.closing(Store.open(places.store_root())) as store:
        sys.stdout.write(told(collect.collect(store, policy, dry_run=dry_run), dry_run=dry_run))
    return 0


def policy(keep_bytes: str | None, older_than: str | None, *, everything: bool) -> Policy:
    """The policy that sizes and times as typed ask for. Raises UserError for what is none."""
    keep = None if keep_bytes is None else _size(keep_bytes)
    older = None if older_than is None else _seconds(older_than)
    return Policy(keep, older, everything=everything)


def told(freed: Freed, *, dry_run: bool) -> str:
    """One line."""
    verb = "would free" if dry_run else "freed"
    parts = f"{freed.results} results, {freed.snapshots} snapshots, {freed.blobs} blobs, {freed.caches} cache volumes"
    parts += f", {freed.runs} runs of the history" if freed.runs else ""
    return (
        f"{verb} {freed.size / 1e6:.1f} MB ({parts}); {freed.kept / 1e6:.1f} MB {'would stay' if dry_run else 'stay'}\n"
    )


def _size(text: str) -> int:
    try:
        return collect.parse_size(text)
    except ValueError:
        raise UserError(f"--keep-bytes {text}: write a size such as 20G, 500M or a number of bytes") from None


def _seconds(text: str) -> float:
    match = _TIME.match(text)
    if not match:
        raise UserError(f"--older-than {text}: write a time such as 30m, 12h, 7d or 2w")
    return float(match[1]) * _UNITS[match[2]]
