"""Results as an SVG: one bar for each ratio, on a logarithmic scale around 1."""

import math
from html import escape

from bench.method import Spread
from bench.results import Run

_LEFT, _WIDTH, _ROW, _TOP = 330, 420, 22, 44
_DECADES = 2.0


def svg(run: Run) -> str:
    """The chart; bars to the left of the line mean that Baselard takes less."""
    found = [
        (measured.title, next(iter(list(measured.samples)[1:])), ratio)
        for measured in run.measured
        if (ratio := measured.against("ratio"))
    ]
    height = _TOP + _ROW * len(found) + 16
    bars = "\n".join(_bar(index, *row) for index, row in enumerate(found))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 70} {height}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<text x="8" y="18" font-weight="bold">Baselard beside the limit or peer (1 = equal; left is less)</text>\n'
        f'<line x1="{_at(1)}" x2="{_at(1)}" y1="{_TOP - 8}" y2="{height - 8}" stroke="#666"/>\n{bars}\n</svg>\n'
    )


def _bar(index: int, title: str, beside: str, ratio: Spread) -> str:
    y = _TOP + index * _ROW
    start, end = sorted((_at(1), _at(ratio.median)))
    low, high = _at(ratio.low), _at(ratio.high)
    colour = "#2a7" if ratio.median <= 1 else "#c83"
    return (
        f'<text x="8" y="{y + 12}">{escape(title)}<title>beside {escape(beside)}</title></text>'
        f'<rect x="{start:.1f}" y="{y + 2}" width="{max(end - start, 1):.1f}" height="13" fill="{colour}"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 8}" y2="{y + 8}" stroke="#333"/>'
        f'<text x="{_LEFT + _WIDTH + 8}" y="{y + 12}">{ratio.median:.2g} x</text>'
    )


def _at(ratio: float) -> float:
    exponent = max(-_DECADES, min(_DECADES, math.log10(max(ratio, 1e-9))))
    return _LEFT + _WIDTH * (exponent + _DECADES) / (2 * _DECADES)
