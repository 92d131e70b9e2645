"""The summary that a terminal shows: a line per image, then what failed and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pipeline.model import Case, Report, Suite, Verdict
from pipeline.report.fold import folded

_LOG_LINES = 20
_COUNTED = {
    "example": ("1 example", "{} examples"),
    "base": ("1 tested base", "{} tested bases"),
    "build": ("the base", "{} bases"),
}
_SAID_TWICE = "goss/"  # of such a failure the detail repeats the message
_SIGNS = {Verdict.FLAKY: "~", Verdict.NOTED: "·"}


def render(report: Report) -> str:
    """The whole summary, ending in one line that says how it went."""
    report = folded(report)
    blocks = [table(report.suites), *(failure(suite) for suite in report.suites if told(suite))]
    return "\n\n".join([*blocks, conclusion(report)])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equal length with their columns aligned."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def table(suites: Sequence[Suite]) -> str:
    """Aligned columns: verdict, name, cases passed of those that ran, seconds, a note."""
    rows = [(label(suite), suite.name, counts(suite), f"{suite.seconds:.1f} s", _remark(suite)) for suite in suites]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    return "\n".join(
        f"{mark:<{widths[0]}}  {name:<{widths[1]}}  {count:>{widths[2]}}  {seconds:>{widths[3]}}  {said}".rstrip()
        for mark, name, count, seconds, said in rows
    )


def label(suite: Suite) -> str:
    """The verdict as shown; an excused failure is not an alarm."""
    if suite.verdict.bad:
        return "quarantined" if suite.quarantined else "FAILED"
    return str(suite.verdict)


def _remark(suite: Suite) -> str:
    """The note, and of what failed whether there was an image to test at all."""
    return "; ".join(filter(None, ["did not build" if unbuilt(suite) else "", note(suite)]))


def unbuilt(suite: Suite) -> bool:
    """Whether there was no image to test."""
    return any(case.name == "build" and case.verdict is Verdict.ERROR for case in suite.cases)


def counts(suite: Suite) -> str:
    """Passed of those that ran, as `11/12`, notes apart; a dash where there was nothing to run them on."""
    tally = Counter(case.verdict for case in suite.cases)
    ran = len(suite.cases) - tally[Verdict.SKIPPED] - tally[Verdict.NOTED]
    if unbuilt(suite) or not ran:
        return "-"
    return f"{tally[Verdict.PASSED] + tally[Verdict.FLAKY]}/{ran}"


def note(suite: Suite) -> str:
    """Why it counts or does not, and what was unsteady."""
    notes = []
    if suite.quarantine:
        state = (
            f"quarantine expired on {suite.quarantine.until}"
            if suite.quarantine.expired
            else (f"quarantined until {suite.quarantine.until}")
        )
        notes.append(" ".join(filter(None, [f"{state}: {suite.quarantine.reason}", suite.quarantine.link])))
    notes += [case.message for case in suite.cases[:1] if suite.verdict is Verdict.SKIPPED]
    notes += [case.message for case in suite.cases if case.verdict is Verdict.PASSED and case.message]
    notes += [f"flaky: {case.name}" for case in suite.flaky]
    noted = len(suite.noted)
    notes += [f"{noted} note{'s' * (noted > 1)}"] if noted else []
    return "; ".join(notes)


def told(suite: Suite) -> tuple[Case, ...]:
    """The cases that a reader is to see one by one: failures first, then what was unsteady, then notes."""
    return (*suite.failures, *suite.flaky, *suite.noted)


def failure(suite: Suite) -> str:
    """Name, the cases to be told with their reasons, and the end of the image's own output."""
    lines = [f"{suite.name}"]
    for case in told(suite):
        where = f"{case.place}: " if case.place else ""
        lines.append(f"  {_SIGNS.get(case.verdict, '✗')} {where}{case.name}: {case.message}")
        shown = case.verdict is Verdict.ERROR or not case.code.startswith(_SAID_TWICE)
        lines += [f"      {line}" for line in case.detail.splitlines() if shown]
        lines += [f"      {case.link}"] if case.link else []
    lines += [
        f"  attempt {number} failed too: {case.name}: {case.message}"
        for number, attempt in enumerate(suite.earlier, 1)
        for case in attempt.failures
        if suite.failures
    ]
    if suite.telling_log.strip():
        lines.append(
            "  its own output, last lines:" if suite.failures else "  its own output when it failed, last lines:"
        )
        lines += [f"    | {line}" for line in suite.telling_log.rstrip().splitlines()[-_LOG_LINES:]]
    return "\n".join(lines)


def conclusion(report: Report) -> str:
    """One sentence: how many, how it went, how long."""
    blocking = [suite.name for suite in report.suites if suite.blocks]
    total = len(report.suites)
    if blocking:
        return f"{report.title}: {len(blocking)} of {total} failed ({', '.join(blocking)}) in {report.seconds:.1f} s"
    if not total:
        return f"{report.title}: nothing was to be checked"
    tally = Counter(_counted_as(suite) for suite in report.suites)
    told = [f"{count} {word}" for word, count in tally.items()]
    how = f"all {told[0]}" if len(told) < 2 else ", ".join(told)
    kinds = f" ({counted})" if (counted := made_of(report)) else ""
    return f"{report.title}: {how}{kinds} in {report.seconds:.1f} s"


def made_of(report: Report) -> str:
    """The things that were counted, where it is not all of one kind: `7 examples and the base`."""
    tally = Counter(suite.group or suite.kind for suite in report.suites)
    if len(tally) < 2 or "" in tally:
        return ""
    known = [_COUNTED[kind][count > 1].format(count) for kind in _COUNTED if (count := tally.pop(kind, 0))]
    *most, last = [*known, *tally]
    return f"{', '.join(most)} and {last}"


def _counted_as(suite: Suite) -> str:
    return "passed" if suite.verdict is Verdict.NOTED else label(suite)
