"""The Markdown summary for a CI job: failures first with their own output, what passed folded, then the timeline."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate

from pipeline.model import Case, Report, Suite, Verdict
from pipeline.report import sizes, timeline
from pipeline.report.fold import folded
from pipeline.report.text import conclusion, counts, label, note

_MARKS = {"passed": "✅", "flaky": "🟡", "noted": "✅", "skipped": "⚪", "quarantined": "🚧"}
_LOG_LINES = 50
_CASES = 20
_LONGEST_COMMENT = 60_000
_LONGEST_SUMMARY = 1_000_000  # bytes; GitHub takes 1 MiB of a step, and shows nothing of more


def render(report: Report) -> str:
    """The whole document; failures that count come before those that are excused, and both before what was flaky."""
    report = folded(report)
    parts = [_heading(report)]
    parts += ["\n".join(_failure(suite)) for suite in _failing(report)]
    parts += [*_results(report.suites), sizes.render(report), timeline.render(report)]
    return _fitting(parts, _LONGEST_SUMMARY, "The rest is in report.html, and in summary.txt.")


def comment(report: Report) -> str:
    """The same without output and timeline, short enough for a comment on GitHub (65,536 characters)."""
    report = folded(report)
    parts = [_heading(report)]
    parts += [_brief(suite) for suite in _failing(report) if suite.failures]
    parts += [sizes.render(report), *_results(report.suites)]
    return _fitting(parts, _LONGEST_COMMENT, "The rest is in the run's summary.")


def _fitting(parts: Sequence[str], most: int, rest: str) -> str:
    """The parts that there are, as far as they fit into so many bytes; if not all do, `rest` says where they are."""
    filled = [part for part in parts if part]
    lengths = list(accumulate(len(part.encode(errors="replace")) for part in filled))
    fitting = [part for part, length in zip(filled, lengths, strict=True) if length < most]
    return "\n\n".join([*fitting, *([rest] if len(fitting) < len(filled) else [])]) + "\n"


def _brief(suite: Suite) -> str:
    cases = [f"- {_case(case)}" for case in suite.failures]
    more = [f"- and {len(cases) - _CASES} more"] if len(cases) > _CASES else []
    return "\n".join([f"### {_MARKS.get(label(suite), '❌')} {_cell(suite.name)}", "", *cases[:_CASES], *more])


def _heading(report: Report) -> str:
    return f"## {_mark_of(report)} {_cell(conclusion(report))}"


def _failing(report: Report) -> list[Suite]:
    """Suites that failed or were flaky; those that count come first."""
    telling = (suite for suite in report.suites if suite.failures or suite.flaky)
    return sorted(telling, key=lambda suite: (not suite.blocks, not suite.failures))


def _mark_of(report: Report) -> str:
    return "❌" if report.failed else "✅"


def _results(suites: Sequence[Suite]) -> Iterator[str]:
    """Suites that failed or were unsteady as a table, and folded what passed or did not run; that is told in a line."""
    if telling := [suite for suite in suites if suite.failures or suite.flaky]:
        yield _table(telling)
    if others := [suite for suite in suites if not (suite.failures or suite.flaky)]:
        yield f"<details><summary>✅ {_tally(others)}</summary>\n\n{_table(others)}\n\n</details>"


def _tally(suites: Sequence[Suite]) -> str:
    """How many passed or were skipped, and of each group how many of its files."""
    alone = [suite.verdict for suite in suites if suite.group != suite.name]
    groups = [suite for suite in suites if suite.group == suite.name]
    rows = [f"{suite.name}: {_counted([case.verdict for case in suite.cases])}" for suite in groups]
    # A note of a single suite is told in its row.
    counted = _counted([Verdict.PASSED if verdict is Verdict.NOTED else verdict for verdict in alone])
    return ", ".join(filter(None, [counted, *rows]))


def _counted(verdicts: Sequence[Verdict]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts).items())


def _table(suites: Sequence[Suite]) -> str:
    lines = ["| | image | checks | time | |", "|---|---|---:|---:|---|"]
    for suite in suites:
        cells = [
            _MARKS.get(label(suite), "❌"),
            _cell(suite.name),
            counts(suite),
            f"{suite.seconds:.1f} s",
            _cell(note(suite)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _failure(suite: Suite) -> Iterator[str]:
    yield f"### {_MARKS.get(label(suite), '❌')} {_cell(suite.name)}"
    yield ""
    for case in (*suite.failures, *suite.flaky):
        yield f"- {_case(case)}"
    if suite.failures:
        for number, attempt in enumerate(suite.earlier, 1):
            yield from (f"- attempt {number} failed too: {_case(case)}" for case in attempt.failures)
    details = "\n".join(case.detail for case in (*suite.failures, *suite.flaky) if case.detail)
    if details:  # of what could not be made or judged the last lines are the reason
        broken = suite.verdict is Verdict.ERROR
        yield _folded("What it said last" if broken else "What the checks said", details, opened=broken)
    if suite.telling_log.strip():
        yield _folded("Its own output, last lines", "\n".join(suite.telling_log.rstrip().splitlines()[-_LOG_LINES:]))


def _case(case: Case) -> str:
    where = f"{_code(str(case.place))}: " if case.place else ""
    name = f"[{_cell(case.name)}]({case.link})" if case.link else f"**{_cell(case.name)}**"
    return f"{where}{name}: {_code(case.message)}"


def _folded(title: str, text: str, *, opened: bool = False) -> str:
    fence = _fence(text, 3)
    tag = "details open" if opened else "details"
    return f"\n<{tag}><summary>{title}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>"


def _code(text: str) -> str:
    """Inline code that no backtick inside can end; newlines would end the list item."""
    flat = " ".join(text.split())
    fence = _fence(flat, 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""


def _fence(text: str, least: int) -> str:
    runs = [len(run) for run in re.findall("`+", text)]
    return "`" * max(least, *(length + 1 for length in runs), least)


def _cell(text: str) -> str:
    """Text that can neither end a table cell nor begin markup."""
    return re.sub(r"([\\|<>*_`\[\]])", r"\\\1", " ".join(text.split()))
