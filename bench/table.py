"""Results as a table of text, and the same as Markdown."""

from collections.abc import Sequence

from bench.method import Goal, Measured, Spread
from bench.results import Run

_HEAD = ("what", "Baselard", "beside", "", "ratio (low to high)", "goal", "memory")


def rows(run: Run) -> list[tuple[str, ...]]:
    """One row for each side that a scenario's own is compared with, and one for a scenario without any."""
    return [
        row for measured in run.measured for row in _rows(measured, run.peaks.get(measured.name), judge=not run.quick)
    ]


def plain(run: Run) -> str:
    """For a terminal."""
    table = [_HEAD, *rows(run)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join([*lines, *_notes(run)]) + "\n"


def markdown(run: Run) -> str:
    """For a document."""
    lines = ["| " + " | ".join(row) + " |" for row in (_HEAD, ("---",) * len(_HEAD), *rows(run))]
    return "\n".join([*lines, "", *_notes(run)]) + "\n"


def _rows(measured: Measured, peak: float | None, *, judge: bool) -> list[tuple[str, ...]]:
    own, *others = measured.samples
    memory = f"{peak:.0f} MB" if peak else ""
    first = (measured.title, amount(measured.spread(own), measured.unit))
    last = (_goal(measured, judge=judge), memory)
    if not others:
        return [(*first, "", "", "", *last)]
    compared = [(name, amount(measured.spread(name), measured.unit), _ratio(measured, own, name)) for name in others]
    return [(*first, *compared[0], *last), *(("", "", *row, "", "") for row in compared[1:])]


def amount(spread: Spread, unit: str) -> str:
    """A median with its unit; milliseconds for short times."""
    if unit == "s" and spread.median < 1:
        return f"{spread.median * 1000:.1f} ms"
    return f"{spread.median:.2f} {unit}"


def _ratio(measured: Measured, own: str, name: str) -> str:
    pairs = zip(measured.samples[own], measured.samples[name], strict=True)
    found = Spread.of([ours / other for ours, other in pairs])
    return f"{_short(found.median)} ({_short(found.low)} to {_short(found.high)})"


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.4f}"


def _goal(measured: Measured, *, judge: bool) -> str:
    if measured.goal is None:
        return ""
    wanted = _wanted(measured.goal, measured.unit)
    if not judge:  # one round on a small base reaches or misses nothing
        return wanted
    return f"{wanted} {'reached' if measured.reached else 'MISSED'}"


def _wanted(goal: Goal, unit: str) -> str:
    kinds = {"ratio": f"≤ {goal.at_most:g} x", "difference": f"≤ {goal.at_most:g} {unit} more"}
    return kinds.get(goal.of, f"≤ {goal.at_most:g} {unit}")


def _notes(run: Run) -> Sequence[str]:
    machine = ", ".join(f"{name} {value}" for name, value in run.machine.items())
    skipped = [f"Not measured: {name}: {reason}" for name, reason in run.skipped.items()]
    rounds = "one round of each, on a small base: this proves that it runs" if run.quick else "medians"
    return ["", f"{rounds[0].upper()}{rounds[1:]}. {machine}.", *skipped]
