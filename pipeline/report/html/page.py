"""The whole page: verdicts first, then every example, then when what ran, then what the call produced."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

from pipeline.model import Report, Suite
from pipeline.past import Past
from pipeline.report import text
from pipeline.report.fold import folded
from pipeline.report.html import example, produced, timeline
from pipeline.report.html.element import Markup, element, link
from pipeline.report.html.words import STATES, lasted, state

_LOGS = 400_000
_LONGEST, _SHORTEST = 40_000, 1_000
"""Characters: of all logs together about, of one at most, and of one however many there are."""
_NAMED = 12  # failures that are told at the top
_OPENED = 5  # rows that are open
_MANY = 100  # more rows than this are laid out when they come into view


def render(report: Report, past: Past = MappingProxyType({})) -> str:
    """A document that stands for itself: its policy lets nothing be loaded, and runs the one script that is in it.

    `past` are the verdicts of earlier runs.
    """
    shown = _sorted(folded(report))
    anchors = [f"example-{number}" for number in range(1, len(shown.suites) + 1)]
    style, script = _asset("page.css"), _asset("page.js")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{'✗' if shown.failed else '✓'} {outcome(shown)} · {shown.title}"),
        element("style", style),
    )
    main = element("main", _failures(shown, anchors), _examples(shown, anchors, past), timeline.render(shown, anchors))
    body = element("body", _header(shown), main, produced.render(shown.outputs), element("script", script))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def outcome(report: Report) -> str:
    """The verdict in a few words."""
    total, blocking = len(report.suites), sum(suite.blocks for suite in report.suites)
    tally = Counter(map(state, report.suites))
    if blocking:
        return f"{blocking} of {total} failed"
    if tally["passed"] == total:
        return f"all {total} passed" if total else "nothing was checked"
    return ", ".join(f"{tally[key]} {name}" for key, name in STATES.items() if tally[key])


def _sorted(report: Report) -> Report:
    order = list(STATES)
    suites = tuple(sorted(report.suites, key=lambda suite: order.index(state(suite))))
    return Report(report.title, suites, report.started, report.seconds, report.outputs)


def _asset(name: str) -> Markup:
    """A file of this package. It is ours, and holds no end tag."""
    return Markup(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _policy(style: str, script: str) -> str:
    """https://www.w3.org/TR/CSP3/: nothing from anywhere, and of what stands in the page these two alone."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _header(report: Report) -> Markup:
    started = report.started.replace("T", " ").replace("+00:00", " UTC")
    when = [" started ", element("time", started, datetime=report.started), ","] if report.started else []
    kinds = f" ({counted})" if (counted := text.made_of(report)) else ""
    sentence = element("p", f"{report.title}{kinds}", *when, f" took {lasted(report.seconds)}", class_="call")
    return element("header", element("h1", outcome(report)), sentence, class_="failed" if report.failed else "passed")


def _failures(report: Report, anchors: Sequence[str]) -> Markup:
    """Everything red and why, a line each."""
    red = [(suite, anchor) for suite, anchor in zip(report.suites, anchors, strict=True) if suite.blocks]
    lines = element("ol", *(_failure(suite, anchor) for suite, anchor in red[:_NAMED]))
    more = element("p", f"and {len(red) - _NAMED} more, below") if len(red) > _NAMED else ""
    return element("section", element("h2", "What failed, and why"), lines, more, class_="red") if red else Markup()


def _failure(suite: Suite, anchor: str) -> Markup:
    case, more = suite.failures[0], len(suite.failures) - 1
    others = f" (and {more} more)" if more else ""
    words = example.last_words(suite)
    hint = element("pre", words) if words else ""
    return element("li", link(suite.name, f"#{anchor}", class_="name"), " ", example.reason(case), others, hint)


def _examples(report: Report, anchors: Sequence[str], past: Past) -> Markup:
    logs = sum(bool(suite.log) + len(suite.earlier) for suite in report.suites)
    longest = max(_SHORTEST, min(_LONGEST, _LOGS // max(logs, 1)))
    rows = [
        example.render(suite, anchor, longest, past.get(suite.name, ()), opened=suite.blocks and number < _OPENED)
        for number, (suite, anchor) in enumerate(zip(report.suites, anchors, strict=True))
    ]
    listed = element("div", *rows, id="rows", class_="many" if len(rows) > _MANY else "")
    return element("section", element("h2", "Results"), _controls(report), listed)


def _controls(report: Report) -> Markup:
    """Search and filter. Without the script they would do nothing, so it is the script that shows them."""
    tally = Counter(map(state, report.suites))
    choices = {
        "": ("all", len(report.suites)),
        **{key: (name, tally[key]) for key, name in STATES.items() if tally[key]},
    }
    search = element("input", type="search", id="search", placeholder="name, check or output (press /)")
    return element(
        "form",
        element("label", "Search ", search),
        element("fieldset", element("legend", "Show"), *(_choice(key, *one) for key, one in choices.items())),
        element("button", "Open all", type="button", id="fold"),
        element("output", "", id="found", aria_live="polite"),
        id="controls",
        role="search",
        hidden=True,
    )


def _choice(key: str, name: str, count: int) -> Markup:
    radio = element("input", type="radio", name="state", value=key or "all", checked=not key)
    return element("label", radio, f" {name} {count}")
