"""What ran when: as a mermaid gantt chart for a step summary, and as an SVG that needs nothing to show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from pipeline.model import WAITING, Report, Span, Suite
from pipeline.report.text import label

_COLOURS = {WAITING: "#e4e4e4", "build": "#4c78a8", "test": "#72b7b2"}
_LEGEND = {WAITING: "waits for its base", "build": "build", "test": "test"}
_OTHER = "#9d755d"
_SHOWN = 0.001  # mermaid draws a task of no length as wide as its name
_LEFT, _WIDTH, _ROW = 220, 640, 24


def mermaid(report: Report) -> str:
    """A gantt chart in mermaid's syntax; times in milliseconds since the start."""
    lines = ["gantt", "    dateFormat x", "    axisFormat %M:%S"]
    for suite in (one for one in report.suites if any(span.end - span.start >= _SHOWN for span in one.spans)):
        lines.append(f"    section {_plain(suite.name)}")
        lines += [f"    {task}" for task in _tasks(suite)]
    return "\n".join(lines)


def _tasks(suite: Suite) -> Iterator[str]:
    for span in suite.spans:
        if span.end - span.start < _SHOWN:
            continue
        mark = "crit, " if suite.blocks and span is suite.spans[-1] else ""
        yield f"{_plain(span.phase)} {span.end - span.start:.1f} s :{mark}{_ms(span.start)}, {_ms(span.end)}"


def _plain(text: str) -> str:
    """Mermaid ends a name at a colon, and a statement at a semicolon or a number sign."""
    return re.sub(r"[:;#,]+", " ", text).strip()


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def svg(report: Report) -> str:
    """A row per suite, a bar per phase, the scale in seconds."""
    end = max([span.end for suite in report.suites for span in suite.spans], default=0) or 1
    height = _ROW * (len(report.suites) + 2)
    body = [_row(index, suite, end) for index, suite in enumerate(report.suites)]
    ticks = [_tick(end * part / 4, end, height) for part in range(5)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 80}" height="{height}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
        + "\n".join([*ticks, *body, *_legend(report)])
        + "\n</svg>\n"
    )


def _legend(report: Report) -> list[str]:
    """What the colours mean, in the top line; only those that are there."""
    used = {span.phase for suite in report.suites for span in suite.spans}
    shown = [phase for phase in _LEGEND if phase in used]
    return [
        f'<rect x="{_LEFT + 150 * index}" y="4" width="12" height="12" fill="{_COLOURS[phase]}"/>'
        f'<text x="{_LEFT + 150 * index + 18}" y="15">{_LEGEND[phase]}</text>'
        for index, phase in enumerate(shown)
    ]


def _row(index: int, suite: Suite, end: float) -> str:
    top = _ROW * (index + 1)
    name = f'<text x="8" y="{top + 14}">{escape(suite.name)}</text>'
    right = max([span.end for span in suite.spans], default=0)
    verdict = f'<text x="{_x(right, end) + 6:.1f}" y="{top + 14}">{escape(label(suite))}</text>'
    return "\n".join([name, *(_bar(span, top, end) for span in suite.spans), verdict])


def _bar(span: Span, top: int, end: float) -> str:
    title = escape(f"{span.phase}: {span.end - span.start:.2f} s")
    width = max(_x(span.end, end) - _x(span.start, end), 1)
    return (
        f'<rect x="{_x(span.start, end):.1f}" y="{top + 3}" width="{width:.1f}" '
        f'height="{_ROW - 8}" fill="{_COLOURS.get(span.phase, _OTHER)}"><title>{title}</title></rect>'
    )


def _tick(seconds: float, end: float, height: int) -> str:
    x = _x(seconds, end)
    return (
        f'<line x1="{x:.1f}" y1="{_ROW - 4}" x2="{x:.1f}" y2="{height - _ROW}" stroke="#dddddd"/>'
        f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{seconds:.1f} s</text>'
    )


def _x(seconds: float, end: float) -> float:
    return _LEFT + _WIDTH * seconds / end
