"""The timeline of the page: a row for each suite, a bar for each phase, a legend of the colours that are there."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.model import WAITING, Phase, Report, Suite
from pipeline.report.html.element import Markup, element, joined, link
from pipeline.report.html.words import lasted, plural, state

# Which colour (a class of the style sheet) a phase has, and what the legend calls it.
_PHASES = {WAITING: ("wait", "waits for its base"), "build": ("build", "build"), "test": ("test", "test")}
_AGAIN = ("again", "test, another attempt")
_OTHER = "other"
_FAILED = ("failed", "failed")
_SHOWN = 0.001  # seconds; what took less is no phase that anybody would look for
_NAMED = 4  # phases that share a colour and are named in the legend
_TICKS = 4
_OPEN = 60  # more rows than this are folded


def render(report: Report, anchors: Sequence[str]) -> Markup:
    """The whole section; nothing where no time was taken. `anchors` lead to the suites."""
    rows = [(suite, anchor) for suite, anchor in zip(report.suites, anchors, strict=True) if phases(suite)]
    if not rows:
        return Markup()
    total = max(span.end for suite, _ in rows for span in phases(suite))
    seen = dict.fromkeys(shown for suite, _ in rows for _, shown in _coloured(suite))
    body = joined(_legend(list(seen)), _axis(total), element("ol", *(_row(*row, total) for row in rows), class_="bars"))
    if len(rows) > _OPEN:
        body = element("details", element("summary", plural(len(rows), "row")), body)
    return element("section", element("h2", "Timeline", id="timeline"), body, class_="timeline")


def phases(suite: Suite) -> list[Phase]:
    """The phases that took a time that can be seen; nothing does where a clock went back."""
    return [span for span in suite.spans if span.end - max(span.start, 0.0) >= _SHOWN]


def phase(span: Phase) -> tuple[str, str]:
    """Colour and name of a phase."""
    return _PHASES.get(span.phase) or (_AGAIN if span.phase.startswith("test, attempt") else (_OTHER, span.phase))


def length(span: Phase) -> float:
    return span.end - max(span.start, 0.0)


def _coloured(suite: Suite) -> list[tuple[Phase, tuple[str, str]]]:
    """Each phase with its colour and name; the one that a failure ended is red."""
    spans = phases(suite)
    return [(span, _FAILED if suite.blocks and span is spans[-1] else phase(span)) for span in spans]


def _bar(span: Phase, colour: str, total: float) -> Markup:
    title = element("title", f"{span.phase}: {lasted(length(span))}")
    start, width = 100 * max(span.start, 0.0) / total, max(100 * length(span) / total, 0.2)
    return element("rect", title, x=f"{start:.2f}%", y="0", width=f"{width:.2f}%", height="100%", class_=colour)


def _row(suite: Suite, anchor: str, total: float) -> Markup:
    """Name, bars and seconds; the bars are a picture that also says what they are."""
    spans = phases(suite)
    said = "; ".join(f"{phase(one)[1]} from {lasted(one.start)} for {lasted(length(one))}" for one in spans)
    drawn = (_bar(span, colour, total) for span, (colour, _) in _coloured(suite))
    bars = element("svg", *drawn, role="img", aria_label=said, class_="bar")
    name = link(suite.name, f"#{anchor}", class_="name", title=suite.name)
    return element("li", name, bars, element("span", lasted(suite.seconds), class_="took"), class_=state(suite))


def _axis(total: float) -> Markup:
    ticks = (element("span", lasted(total * number / _TICKS)) for number in range(_TICKS + 1))
    return element("div", *ticks, class_="axis", aria_hidden="true")


def _legend(shown: Sequence[tuple[str, str]]) -> Markup:
    names: dict[str, list[str]] = {}
    for colour, name in shown:
        names.setdefault(colour, []).append(name)
    order = [*(colour for colour, _ in _PHASES.values()), _AGAIN[0], _OTHER, _FAILED[0]]
    entries = (_entry(colour, names[colour]) for colour in order if colour in names)
    return element("ul", *entries, class_="legend", aria_label="Colours")


def _entry(colour: str, names: Sequence[str]) -> Markup:
    square = element(
        "svg", element("rect", width="100%", height="100%", class_=colour), class_="key", aria_hidden="true"
    )
    more = ["…"] if len(names) > _NAMED else []
    return element("li", square, f" {', '.join([*names[:_NAMED], *more])}")
