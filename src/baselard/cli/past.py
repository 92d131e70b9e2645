"""Earlier runs as text: a line each, or one of them with all that it found."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from baselard.engine.progress.text import plainly
from baselard.engine.store.runs import Judgement, RecordedRun

_NARROW = 60  # columns; less has no room for seconds and commits
_HEADS = ("RUN", "RESULT", "SECONDS", "STARTED", "COMMIT", "CALL")
_SHOWING = re.compile(r" (--progress[ =]\S+|-[qsv]+|--quiet|--silent|--verbose)(?= |$)")
_LEAST = 12  # columns of a name
_MARKS = {"passed": "✔", "noted": "✔", "skipped": "–"}  # noqa: RUF001 -- as in the live lines


def table(found: Sequence[RecordedRun], width: int = 0) -> str:
    """A line for each run, cut at ``width`` columns if there is one."""
    rows = [_HEADS, *map(_row, found)]
    kept = (0, 1, 3, 5) if 0 < width < _NARROW else range(len(_HEADS))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = ("  ".join(f"{row[column]:<{widths[column]}}" for column in kept).rstrip() for row in rows)
    return "".join(f"{cut(line, width)}\n" for line in lines)


def one(run: RecordedRun, width: int = 0) -> str:
    """The story of a run, and each thing that it judged, what failed with its reason; for so many columns, if any."""
    where = f" in {plainly(run.place)}"
    lines = [f"run {run.number}: {call(run)}", f"{result(run)} in {run.seconds:.1f} s, exit code {run.code}"]
    lines += [f"started {moment(run)} UTC on {standing(run)}{where}", ""]
    lines += [line for judgement in run.judgements for line in _judgement(judgement, run, width)]
    return "".join(f"{line}\n" for line in lines)


def plain(run: RecordedRun) -> Mapping[str, Any]:
    """A run as JSON has it."""
    return {"run": run.number, **{key: value for key, value in asdict(run).items() if key != "number"}}


def result(run: RecordedRun) -> str:
    """The outcome, in a few words."""
    total = len(run.judgements)
    if run.failures:
        return f"{len(run.failures)} of {total} failed"
    tally = Counter("passed" if judgement.verdict == "noted" else judgement.verdict for judgement in run.judgements)
    return f"all {total} passed" if tally["passed"] == total else ", ".join(f"{n} {word}" for word, n in tally.items())


def call(run: RecordedRun) -> str:
    """The words of the call, but for those that say how it is shown."""
    words = " ".join(word for word in run.words if word != "call")
    return plainly(_SHOWING.sub("", f" {words}"))


def moment(run: RecordedRun) -> str:
    """When it began, in UTC."""
    return datetime.fromtimestamp(run.began, UTC).strftime("%Y-%m-%d %H:%M:%S")


def standing(run: RecordedRun) -> str:
    """The commit, shortened, and whether files differed from it."""
    tree = run.tree
    branch = f" ({plainly(tree.branch)})" if tree.branch else ""
    return f"{tree.commit[:9]}{branch}{' with changes' if tree.changed else ''}" if tree.commit else "no commit"


def sign(judgement: Judgement) -> str:
    """A mark for a verdict."""
    return "✘" if judgement.blocks else _MARKS.get(judgement.verdict, "~")


def phases(judgement: Judgement) -> str:
    """The seconds of each phase."""
    return ", ".join(f"{plainly(name)} {seconds:.1f} s" for name, seconds in judgement.phases.items())


def _row(run: RecordedRun) -> tuple[str, ...]:
    changed = "+" if run.tree.changed else ""
    commit = f"{run.tree.commit[:9]}{changed}" if run.tree.commit else ""
    return str(run.number), result(run), f"{run.seconds:.1f}", moment(run)[5:16], commit, call(run)


def _judgement(judgement: Judgement, run: RecordedRun, width: int) -> Iterator[str]:
    verdicts = max(len(one.verdict) for one in run.judgements)
    longest = max(len(plainly(one.name)) for one in run.judgements)
    room = max(_LEAST, width - verdicts - 14) if width else longest
    spent = f"{judgement.seconds:6.1f} s" if judgement.phases else ""
    name = f"{cut(plainly(judgement.name), room):<{min(longest, room)}}"
    line = f"{sign(judgement)} {judgement.verdict:<{verdicts}}  {name}  {spent}"
    spelled = f"{line}  {phases(judgement)}".rstrip()
    yield spelled if len(spelled) <= width or not width else line.rstrip()
    if judgement.why:
        yield f"    {plainly(judgement.why)}"


def cut(line: str, width: int) -> str:
    """A line of at most so many columns; whole where there is no such number."""
    return line if not 0 < width < len(line) else f"{line[: width - 1]}…"
