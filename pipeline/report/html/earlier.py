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
    label = f"last {plural(len(verdicts), 'verdict')}, oldest first: {', '.join(one.verdict for one in verdicts)}"
    shown = (element("span", _sign(verdict), class_=_state(verdict)) for verdict in verdicts)
    strip = element("span", *shown, role="img", aria_label=label, title=label, class_="past")
    why = past.unsteady(verdicts)
    return joined(" ", strip, *([" ", element("span", "flaky", title=why, class_="flaky")] if why else []))


def listing(verdicts: Sequence[EarlierVerdict]) -> Markup:
    """A line for each verdict, the newest first."""
    lines = (element("li", _line(verdict)) for verdict in reversed(verdicts))
    why = past.unsteady(verdicts)
    said = element("p", f"Flaky: {why}.", class_="left-out") if why else ""
    return joined(said, element("ul", *lines, class_="held"))


def _line(verdict: EarlierVerdict) -> str:
    at = f", {verdict.commit[:9]}{'' if verdict.clean else ' with changes'}" if verdict.commit else ""
    when = verdict.moment.strftime("%Y-%m-%d %H:%M UTC")
    return f"{_sign(verdict)} run {verdict.number}: {verdict.verdict} in {lasted(verdict.seconds)}, {when}{at}"


def _sign(verdict: EarlierVerdict) -> str:
    return "✓" if verdict.passed else "✗" if verdict.failed else "~"


def _state(verdict: EarlierVerdict) -> str:
    return "passed" if verdict.passed else "failed" if verdict.failed else "unsteady"
