"""Results as an SVG: one bar for each ratio to another program, on a logarithmic scale around 1."""

import math
from html import escape

from bench.method import Measured, Spread
from bench.results import Run
from bench.table import amount

_LEFT, _WIDTH, _ROW, _TOP = 380, 400, 36, 106
_LOW, _HIGH = -3.5, 1.5
"""Powers of ten at which the scale ends."""
_SCALE = {0.001: "a thousandth", 0.01: "a hundredth", 0.1: "a tenth", 1: "equal", 10: "10 times"}
_HEAD = (
    '<text x="8" y="20" font-size="15" font-weight="bold">What Baselard takes, beside another program</text>'
    '<text x="8" y="40">Green, to the left: Baselard takes less time; orange, to the right: more. The figure is the '
    "median of each round's ratio;</text>"
    '<text x="8" y="56">the thin line goes from the lowest round to the highest. What is measured and beside what: '
    "benchmarks.md.</text>"
)


def svg(run: Run) -> str:
    """The chart, the lowest ratio first. Scenarios in which Baselard stands beside itself are left to the table."""
    found = [(one, ratio) for one in run.measured if not one.itself and (ratio := one.against("ratio"))]
    found.sort(key=lambda row: row[1].median)
    height = _TOP + _ROW * len(found) + 8
    scale = "\n".join(_mark(ratio, name, height) for ratio, name in _SCALE.items())
    bars = "\n".join(_bar(index, *row) for index, row in enumerate(found))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 90} {height}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f"{_HEAD}\n{scale}\n{bars}\n</svg>\n"
    )


def _mark(ratio: float, name: str, height: int) -> str:
    x, colour = _at(ratio), "#666" if ratio == 1 else "#ddd"
    return (
        f'<text x="{x}" y="{_TOP - 18}" fill="#555" text-anchor="middle">{name}</text>'
        f'<line x1="{x}" x2="{x}" y1="{_TOP - 10}" y2="{height - 8}" stroke="{colour}"/>'
    )


def _bar(index: int, measured: Measured, ratio: Spread) -> str:
    y = _TOP + index * _ROW
    start, end = sorted((_at(1), _at(ratio.median)))
    low, high = _at(ratio.low), _at(ratio.high)
    colour = "#2a7" if ratio.median <= 1 else "#c83"
    return (
        f'<text x="8" y="{y + 11}">{escape(measured.title)}</text>'
        f'<text x="8" y="{y + 25}" fill="#555" font-size="11">{escape(_amounts(measured))}</text>'
        f'<path d="M{start:.1f} {y + 5}H{max(end, start + 1):.1f}v14H{start:.1f}z" fill="{colour}"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 12}" y2="{y + 12}" stroke="#333"/>'
        f'<text x="{_LEFT + _WIDTH + 14}" y="{y + 16}">{ratio.median:.2g} x</text>'
    )


def _amounts(measured: Measured) -> str:
    own, other = list(measured.samples)[:2]
    ours, theirs = (amount(measured.spread(name), measured.unit) for name in (own, other))
    return f"Baselard {ours}, {other} {theirs}"


def _at(ratio: float) -> float:
    exponent = max(_LOW, min(_HIGH, math.log10(max(ratio, 1e-9))))
    return round(_LEFT + _WIDTH * (exponent - _LOW) / (_HIGH - _LOW), 1)
