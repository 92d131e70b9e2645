"""``baselard prune``: free space in the store."""

import contextlib
import re
import sys
from collections.abc import Sequence

from baselard.cli import places, start
from baselard.cli.options import unknown
from baselard.engine.errors import UserError
from baselard.engine.store import collect
from baselard.engine.store.collect import Freed, Policy
from baselard.engine.store.database import Store

_USAGE = """Usage: baselard prune [--keep-bytes SIZE] [--older-than TIME] [--all] [--dry-run]

Without a limit only what nothing needs any more goes. Running sessions lose nothing.

  --keep-bytes SIZE   the least recently used goes until no more than this is left (20G, 500M, bytes)
  --older-than TIME   what was not used for so long goes (30m, 12h, 7d, 2w)
  --all               everything, and cache volumes too
  --dry-run           say what would go
"""
_TIME = re.compile(r"([0-9]{1,18}(?:\.[0-9]+)?)([smhdw]?)\Z")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def run(argv: list[str]) -> int:
    """Collect and say what went."""
    if argv and argv[0] in ("-h", "--help"):
        sys.stdout.write(_USAGE)
        return 0
    policy, dry_run = parse(argv)
    start.require_privilege(["prune", *argv])
    with contextlib.closing(Store.open(places.store_root())) as store:
        sys.stdout.write(told(collect.collect(store, policy, dry_run=dry_run), dry_run=dry_run))
    return 0


def parse(argv: Sequence[str]) -> tuple[Policy, bool]:
    """The policy that a command line asks for, and whether it is only to be tried. Raises UserError."""
    words = [part for word in argv for part in (word.split("=", 1) if word.startswith("--") else [word])]
    keep, older, switches = None, None, set()
    while words:
        word = words.pop(0)
        if word in ("--all", "--dry-run"):
            switches.add(word)
        elif word in ("--keep-bytes", "--older-than") and not words:
            raise UserError(f"{word} needs a value")
        elif word == "--keep-bytes":
            keep = _size(words.pop(0))
        elif word == "--older-than":
            older = _seconds(words.pop(0))
        else:
            raise UserError(unknown("option", word, ["--keep-bytes", "--older-than", "--all", "--dry-run"]))
    return Policy(keep, older, everything="--all" in switches), "--dry-run" in switches


def told(freed: Freed, *, dry_run: bool) -> str:
    """One line."""
    verb = "would free" if dry_run else "freed"
    parts = f"{freed.results} results, {freed.snapshots} snapshots, {freed.blobs} blobs, {freed.caches} cache volumes"
    return (
        f"{verb} {freed.size / 1e6:.1f} MB ({parts}); {freed.kept / 1e6:.1f} MB {'would stay' if dry_run else 'stay'}\n"
    )


def _size(text: str) -> int:
    try:
        return collect.parse_size(text)
    except ValueError:
        raise UserError(f"--keep-bytes {text}: write a size such as 20G, 500M or a number of bytes") from None


def _seconds(text: str) -> float:
    found = _TIME.match(text)
    if not found:
        raise UserError(f"--older-than {text}: write a time such as 30m, 12h, 7d or 2w")
    return float(found[1]) * _UNITS[found[2]]
