"""The Markdown summary for a CI job: failures first with their own output, then the table, then the timeline."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.model import Case, Report, Suite
from pipeline.report import sizes, timeline
from pipeline.report.text import conclusion, counts, label, note

_MARKS = {"passed": "✅", "flaky": "🟡", "noted": "✅", "skipped": "⚪", "quarantined": "🚧"}
_LOG_LINES = 50
_CASES = 20
_LONGEST_COMMENT = 60_000


def render(report: Report) -> str:
    """The whole document; failures that count come before those that are excused, and both before what was flaky."""
    parts = [_heading(report)]
    parts += ["\n".join(_failure(suite)) for suite in _failing(report)]
    parts += [_table(report)] if report.suites else []
    parts += [weights] if (weights := sizes.render(report)) else []
    if any(suite.spans for suite in report.suites):
        parts.append(f"```mermaid\n{timeline.mermaid(report)}\n```")
    return "\n\n".join(parts) + "\n"


def comment(report: Report) -> str:
    """The same without output and timeline, short enough for a comment on GitHub (65,536 characters)."""
    parts = [_heading(report)]
    parts += [_brief(suite) for suite in _failing(report) if suite.failures]
    parts += [weights] if (weights := sizes.render(report)) else []
    parts += [f"<details><summary>All results</summary>\n\n{_table(report)}\n\n</details>"] if report.suites else []
    fitting = [part for at, part in enumerate(parts) if sum(map(len, parts[: at + 1])) < _LONGEST_COMMENT]
    cut = [] if len(fitting) == len(parts) else ["The rest is in the run's summary."]
    return "\n\n".join([*fitting, *cut]) + "\n"


def _brief(suite: Suite) -> str:
    cases = [f"- {_case(case)}" for case in suite.failures]
    more = [f"- and {len(cases) - _CASES} more"] if len(cases) > _CASES else []
    return "\n".join([f"### {_MARKS.get(label(suite), '❌')} {_cell(suite.name)}", "", *cases[:_CASES], *more])


def _heading(report: Report) -> str:
    return f"## {_mark_of(report)} {_cell(conclusion(report))}"


def _failing(report: Report) -> list[Suite]:
    """What failed or was flaky; what counts comes first."""
    telling = (suite for suite in report.suites if suite.failures or suite.flaky)
    return sorted(telling, key=lambda suite: (not suite.blocks, not suite.failures))


def _mark_of(report: Report) -> str:
    return "❌" if report.failed else "✅"


def _table(report: Report) -> str:
    lines = ["| | image | checks | time | |", "|---|---|---:|---:|---|"]
    for suite in report.suites:
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
    if details:
        yield _folded("What the checks said", details)
    if suite.telling_log.strip():
        yield _folded("Its own output, last lines", "\n".join(suite.telling_log.rstrip().splitlines()[-_LOG_LINES:]))


def _case(case: Case) -> str:
    where = f"{_code(str(case.place))}: " if case.place else ""
    name = f"[{_cell(case.name)}]({case.link})" if case.link else f"**{_cell(case.name)}**"
    return f"{where}{name}: {_code(case.message)}"


def _folded(title: str, text: str) -> str:
    fence = _fence(text, 3)
    return f"\n<details><summary>{title}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>"


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
