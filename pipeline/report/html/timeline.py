"""The timeline of the page: a row for each suite, a bar for each phase, a legend of the colours that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.model import WAITING, Report, Span, Suite
from pipeline.report.html.element import Markup, element, joined, link
from pipeline.report.html.words import lasted, plural, state

# Which colour (a class of the style sheet) a phase has, and what the legend calls it.
_PHASES = {WAITING: ("wait", "waits for its base"), "build": ("build", "build"), "test": ("test", "test")}
_AGAIN = ("again", "test, another attempt")
_OTHER = ("other", "lint, publish, hand over")
_TICKS = 4
_OPEN = 60  # more rows than this are folded


def render(report: Report, anchors: Sequence[str]) -> Markup:
    """The whole section; nothing where no time was taken. `anchors` lead to the suites."""
    rows = [(suite, anchor) for suite, anchor in zip(report.suites, anchors, strict=True) if suite.spans]
    total = max((span.end for suite, _ in rows for span in suite.spans), default=0.0)
    if total <= 0:
        return Markup()
    bars = [_row(suite, anchor, total) for suite, anchor in rows]
    inside = element("ol", *bars, class_="bars")
    body = joined(_legend([suite for suite, _ in rows]), _axis(total), inside)
    if len(rows) > _OPEN:
        body = element("details", element("summary", plural(len(rows), "row")), body)
    return element("section", element("h2", "Timeline", id="timeline"), body, class_="timeline")


def bars(suite: Suite, total: float) -> Markup:
    """The phases of one suite as a picture that also says them; `total` is the whole width in seconds."""
    said = "; ".join(f"{phase(span)[1]} from {lasted(span.start)} for {lasted(length(span))}" for span in suite.spans)
    return element("svg", *(_bar(span, total) for span in suite.spans), role="img", aria_label=said, class_="bar")


def phase(span: Span) -> tuple[str, str]:
    """Colour and name of a phase."""
    return _PHASES.get(span.phase) or (_AGAIN if re.match("test, attempt", span.phase) else _OTHER)


def length(span: Span) -> float:
    """Seconds; none where a clock went back."""
    return max(span.end - span.start, 0.0)


def _bar(span: Span, total: float) -> Markup:
    start = min(max(span.start, 0.0), total)
    width = min(length(span), total - start)
    title = element("title", f"{span.phase}: {lasted(length(span))}")
    x, w = f"{100 * start / total:.2f}%", f"{max(100 * width / total, 0.2):.2f}%"
    return element("rect", title, x=x, y="0", width=w, height="100%", class_=phase(span)[0])


def _row(suite: Suite, anchor: str, total: float) -> Markup:
    name = link(suite.name, f"#{anchor}", class_="name", title=suite.name)
    return element(
        "li", name, bars(suite, total), element("span", lasted(suite.seconds), class_="took"), **_class(suite)
    )


def _class(suite: Suite) -> dict[str, str]:
    return {"class_": state(suite)}


def _axis(total: float) -> Markup:
    ticks = (element("span", lasted(total * number / _TICKS)) for number in range(_TICKS + 1))
    return element("div", *ticks, class_="axis", aria_hidden="true")


def _legend(suites: Sequence[Suite]) -> Markup:
    colours = dict(phase(span) for suite in suites for span in suite.spans)
    return element("ul", *_entries(colours), class_="legend", aria_label="Colours")


def _entries(colours: dict[str, str]) -> Iterator[Markup]:
    for colour, name in [*_PHASES.values(), _AGAIN, _OTHER]:
        if colour in colours:
            square = element("rect", width="100%", height="100%", class_=colour)
            yield element("li", element("svg", square, class_="key", aria_hidden="true"), f" {name}")
