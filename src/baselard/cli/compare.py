"""``baselard compare``: what differs between two runs."""

import sys
from collections.abc import Sequence

from baselard.cli import columns, comparison, history


def run(before: str, after: str, line: Sequence[str], *, as_json: bool) -> int:
    """Show it. Raises UserError for a run that is not recorded, HostError.

    ``line`` is the command line, to become root with.
    """
    with history.opened(line) as store:
        differences = comparison.compared(history.numbered(store, before), history.numbered(store, after))
    shown = comparison.plain(differences) if as_json else comparison.text(differences, columns.width(sys.stdout))
    history.show(shown, as_json=as_json)
    return 0
