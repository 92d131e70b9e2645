"""The comparison table: a row for each way of doing the job, a column for each condition."""

from collections.abc import Mapping, Sequence

from bench.method import Measured, Spread
from bench.results import Run

_CONDITIONS = {"cold": "cold", "warm": "nothing changed", "one": "one example changed", "base": "base changed"}
_ELSEWHERE = ("job-registry", "job-archive")
_HEAD = ("from the built base to all verdicts", *_CONDITIONS.values(), "moved", "on disk")
_ON_ONE_MACHINE = "as cold"
"""A runner that starts empty knows nothing of the run before."""

BEGIN, END = "<!-- job table: begin -->", "<!-- job table: end -->"


def markdown(run: Run) -> str:
    """The table; empty when the job was not measured cold."""
    known = {one.name: one for one in run.measured}
    if "job-cold" not in known:
        return ""
    colds = [known[name] for name in ("job-cold", *_ELSEWHERE) if name in known]
    later = [known.get(f"job-{name}") for name in _CONDITIONS if name != "cold"]
    rows = [
        _row(side, [cold, *later], run.notes.get(cold.name, {}).get(side, {}))
        for cold in colds
        for side in cold.samples
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in (_HEAD, ("---",) * len(_HEAD), *rows))


def placed(text: str, run: Run) -> str:
    """``text`` with the table between its markers. Raises ValueError when they are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} followed by {END}")
    return f"{before}{BEGIN}\n{markdown(run)}\n{END}{after}"


def _row(side: str, found: Sequence[Measured | None], note: Mapping[str, float]) -> tuple[str, ...]:
    times = [_seconds(one, side) if one else "" for one in found]
    return (side, *times, _size(note.get("moved")), _size(note.get("disk")))


def _seconds(measured: Measured, side: str) -> str:
    if side not in measured.samples:
        return _ON_ONE_MACHINE
    spread = Spread.of(measured.samples[side])
    return f"{spread.median:.1f} s ({spread.low:.1f} to {spread.high:.1f})"


def _size(megabytes: float | None) -> str:
    if megabytes is None:
        return ""
    return "0" if not megabytes else f"{megabytes:,.0f} MB"
