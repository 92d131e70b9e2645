"""Two runs side by side: verdicts that changed, seconds by phase, sizes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from baselard.cli import past
from baselard.engine.progress.text import plainly
from baselard.engine.store.runs import Judgement, RecordedRun

_NOTICED = 0.1  # seconds; a smaller difference is none
ABSENT = "absent"


@dataclass(frozen=True)
class Change:
    """A quantity of one thing in both runs; None where there is none. ``what`` is a phase, or a kind of size."""

    name: str
    what: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Turned:
    """A verdict that is not what it was; ``absent`` where nothing of that name was judged."""

    name: str
    before: str
    after: str
    why: str = ""


@dataclass(frozen=True)
class Comparison:
    """The differences between two runs, and how many verdicts are equal."""

    before: RecordedRun
    after: RecordedRun
    verdicts: tuple[Turned, ...]
    same: int
    seconds: tuple[Change, ...]
    sizes: tuple[Change, ...]


def compared(before: RecordedRun, after: RecordedRun) -> Comparison:
    """Compare what was judged under the same name. Of seconds all are given, of sizes those that differ."""
    olds, news = ({judgement.name: judgement for judgement in run.judgements} for run in (before, after))
    names = list(dict.fromkeys([*olds, *news]))
    verdicts = tuple(turn for name in names if (turn := _turned(name, olds.get(name), news.get(name))))
    both = [(name, olds[name], news[name]) for name in names if name in olds and name in news]
    seconds = [change for name, old, new in both for change in _changes(name, old.phases, new.phases)]
    sizes = [one for name, old, new in both for one in _changes(name, old.sizes, new.sizes)]
    differing = tuple(size for size in sizes if size.before != size.after)
    return Comparison(before, after, verdicts, len(names) - len(verdicts), tuple(seconds), differing)


def plain(comparison: Comparison) -> Mapping[str, Any]:
    """The comparison as JSON has it; runs by their numbers."""
    told = asdict(comparison)
    return {**told, "before": comparison.before.number, "after": comparison.after.number}


def text(comparison: Comparison, width: int = 0) -> str:
    """The comparison for people, in so many columns, if any; of seconds those that differ by a tenth."""
    lines = [
        past.cut(f"{name:<8}{_heading(one)}", width)
        for name, one in (("before", comparison.before), ("after", comparison.after))
    ]
    lines.append("")
    lines += [
        f"{plainly(verdict.name)}: {verdict.before} → {verdict.after}{_reason(verdict)}"
        for verdict in comparison.verdicts
    ]
    others = "verdict is" if comparison.same == 1 else "verdicts are"
    lines.append(f"{comparison.same} {'other ' if comparison.verdicts else ''}{others} as before")
    slower = [change for change in comparison.seconds if abs((change.after or 0) - (change.before or 0)) >= _NOTICED]
    lines += _section("seconds", slower, lambda count: f"{count:.1f}", width)
    lines += _section("sizes in MB", comparison.sizes, lambda count: f"{count / 1e6:.1f}", width)
    return "".join(f"{line}\n" for line in lines)


def _turned(name: str, old: Judgement | None, new: Judgement | None) -> Turned | None:
    was, is_ = (one.verdict if one else ABSENT for one in (old, new))
    return None if was == is_ else Turned(name, was, is_, new.why if new else "")


def _changes(name: str, old: Mapping[str, float], new: Mapping[str, float]) -> Iterator[Change]:
    for what in dict.fromkeys([*old, *new]):
        yield Change(name, what, old.get(what), new.get(what))


def _heading(run: RecordedRun) -> str:
    return f"run {run.number}: {past.result(run)} in {run.seconds:.1f} s on {past.standing(run)}: {past.call(run)}"


def _reason(turned: Turned) -> str:
    return f": {plainly(turned.why)}" if turned.why else ""


def _section(title: str, changes: Sequence[Change], shown: Callable[[float], str], width: int) -> list[str]:
    """A table, the largest difference first; nothing without rows."""
    ordered = sorted(changes, key=lambda change: -abs((change.after or 0) - (change.before or 0)))
    rows = [(f"{plainly(one.name)} {plainly(one.what)}", *_cells(one, shown)) for one in ordered]
    if not rows:
        return []
    rows = [(title, "before", "after", "change"), *rows]
    first, *others = (max(len(row[column]) for row in rows) for column in range(4))
    first = min(first, max(len(title), width - sum(others) - 6)) if width else first
    lines = (
        f"{past.cut(name, first):<{first}}"
        + "".join(f"  {cell:>{wide}}" for cell, wide in zip(cells, others, strict=True))
        for name, *cells in rows
    )
    return ["", *lines]


def _cells(change: Change, shown: Callable[[float], str]) -> tuple[str, str, str]:
    before, after = ("–" if count is None else shown(count) for count in (change.before, change.after))  # noqa: RUF001
    difference = (change.after or 0) - (change.before or 0)
    return before, after, f"{'+' if difference >= 0 else '-'}{shown(abs(difference))}"
