"""Findings of earlier runs for a row: a mark for each beside its name, and a list inside."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline import past
from pipeline.past import EarlierVerdict
from pipeline.report.html.element import Markup, element, joined
from pipeline.report.html.words import lasted, plural


def marks(verdicts: Sequence[EarlierVerdict]) -> Markup:
    """A mark for each verdict, the oldest first, and whether it is flaky; whoever hears the page hears the words."""
    if not verdicts:
        return Markup()
    said = f"last {plural(len(verdicts), 'verdict')}, oldest first: {', '.join(one.verdict for one in verdicts)}"
    shown = (element("span", _sign(one), class_=_state(one)) for one in verdicts)
    strip = element("span", *shown, role="img", aria_label=said, title=said, class_="past")
    why = past.unsteady(verdicts)
    return joined(" ", strip, *([" ", element("span", "flaky", title=why, class_="flaky")] if why else []))


def listing(verdicts: Sequence[EarlierVerdict]) -> Markup:
    """A line for each verdict, the newest first."""
    lines = (element("li", _line(one)) for one in reversed(verdicts))
    why = past.unsteady(verdicts)
    said = element("p", f"Flaky: {why}.", class_="left-out") if why else ""
    return joined(said, element("ul", *lines, class_="held"))


def _line(one: EarlierVerdict) -> str:
    at = f", {one.commit[:9]}{'' if one.clean else ' with changes'}" if one.commit else ""
    when = one.moment.strftime("%Y-%m-%d %H:%M UTC")
    return f"{_sign(one)} run {one.number}: {one.verdict} in {lasted(one.seconds)}, {when}{at}"


def _sign(one: EarlierVerdict) -> str:
    return "✓" if one.passed else "✗" if one.failed else "~"


def _state(one: EarlierVerdict) -> str:
    return "passed" if one.passed else "failed" if one.failed else "unsteady"
