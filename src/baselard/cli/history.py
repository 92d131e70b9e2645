"""``baselard history``: earlier runs of this tree, from the store."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from baselard.cli import columns, past, places, start, target
from baselard.cli.options import Options
from baselard.engine.errors import UserError
from baselard.engine.progress.text import plainly
from baselard.engine.store import runs
from baselard.engine.store.database import Store
from baselard.engine.store.runs import RecordedRun


def run(words: Sequence[str], line: Sequence[str], *, everywhere: bool, as_json: bool) -> int:
    """List the runs about this directory's tree, or ``everywhere``, or show one. Raises UserError, HostError.

    ``line`` is the command line, to become root with.
    """
    if words and (words[0] != "show" or len(words) != 2):
        raise UserError("write baselard history, or baselard history show RUN")
    with opened(line) as store:
        if words:
            shown = numbered(store, words[1])
            show(past.plain(shown) if as_json else past.one(shown, columns.width(sys.stdout)), as_json=as_json)
            return 0
        place = "" if everywhere else str(_here())
        found = runs.listed(store, place)
    if as_json:
        show([past.plain(one) for one in found], as_json=True)
    else:
        show(past.table(found, columns.width(sys.stdout)) if found else _none(place), as_json=False)
    return 0


def _here() -> str:
    """The tree that a call made here is about."""
    with target.opened(Options()) as found:
        return str(found.source.context)


def _none(place: str) -> str:
    return (
        f"no run is recorded{f' about {plainly(place)}' if place else ''} yet: baselard call test-examples makes one\n"
    )


@contextlib.contextmanager
def opened(line: Sequence[str]) -> Iterator[Store]:
    """The store, whose history is asked; ``line`` is the command line, to become root with. Raises HostError."""
    start.require_privilege(line)
    with contextlib.closing(Store.open(places.store_root())) as store:
        yield store


def numbered(store: Store, text: str) -> RecordedRun:
    """The run that a word means. Raises UserError for what means none."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    if found := runs.numbered(store, number):
        return found
    last = runs.listed(store, limit=1)
    known = f"the last one is {last[0].number}" if last else "none is recorded yet"
    raise UserError(f"there is no run {text}; {known}: baselard history lists them")


def show(what: Any, *, as_json: bool) -> None:
    """Print a text, or what JSON can say as that."""
    sys.stdout.write(json.dumps(what, indent=2, ensure_ascii=False) + "\n" if as_json else what)
