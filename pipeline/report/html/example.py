"""One row of the page: the verdict of an example, and below it all that is known of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pipeline.model import Attempt, Case, Phase, Suite, Verdict
from pipeline.past import EarlierVerdict
from pipeline.report import text
from pipeline.report.html import earlier, timeline
from pipeline.report.html.element import Markup, element, joined, link
from pipeline.report.html.words import SIGNS, lasted, plural, state, verdict

_SIGN = {Verdict.FAILED: "✗", Verdict.ERROR: "✗", Verdict.FLAKY: "~", Verdict.SKIPPED: "·"}

_LAST, _WIDEST = 3, 300  # lines, and characters of a line, that are told beside a failure


def render(suite: Suite, anchor: str, longest: int, past: Sequence[EarlierVerdict] = (), *, opened: bool) -> Markup:
    """The row; what failed is open. Of a log its last `longest` characters are shown. `past` are earlier verdicts."""
    inside = [*_inside(suite, longest), *([_folded("Earlier runs", earlier.listing(past))] if past else [])]
    return element("details", _summary(suite, past), *inside, id=anchor, class_=f"row {state(suite)}", open=opened)


def why(suite: Suite) -> Case | None:
    """The case that tells most: the first that failed, or that was flaky, or why nothing ran."""
    return next(iter((*suite.failures, *suite.flaky, *_skipped(suite))), None)


def reason(case: Case) -> Markup:
    """Place, name and message of a case."""
    parts = [element("code", str(case.place), class_="place"), " "] if case.place else []
    name = link(case.name, case.link) if case.link else element("b", case.name)
    return joined(*parts, name, *([": ", element("span", case.message, class_="said")] if case.message else []))


def last_words(suite: Suite) -> str:
    """The last lines that tell why: those of the command that failed, else those of the image's own process."""
    broken = [case.detail for case in suite.failures if case.verdict is Verdict.ERROR]
    lines = [line for line in (broken or [suite.log])[0].splitlines() if line.strip()]
    return "\n".join(line[:_WIDEST] for line in lines[-_LAST:])


def _skipped(suite: Suite) -> tuple[Case, ...]:
    return suite.cases[:1] if suite.verdict is Verdict.SKIPPED else ()


def _summary(suite: Suite, past: Sequence[EarlierVerdict]) -> Markup:
    case, note = why(suite), text.note(suite)
    said = "; ".join(filter(None, [f"{case.name}: {case.message}" if case and suite.failures else "", note]))
    checks = f"{text.counts(suite)} checks" if suite.failures else plural(len(suite.cases), "check")
    checks = "did not build" if text.unbuilt(suite) else checks
    return element(
        "summary",
        element("span", f"{SIGNS[state(suite)]} {verdict(suite)}", class_="verdict"),
        element("span", suite.name, earlier.marks(past), class_="name"),
        element("span", said, class_="why"),
        element("span", checks, class_="counts"),
        element("span", lasted(suite.seconds), class_="took"),
    )


def _inside(suite: Suite, longest: int) -> Iterator[Markup]:
    told = text.told(suite)
    if told:
        yield element("ul", *(_told(case) for case in told), class_="told")
    for number, attempt in enumerate(suite.earlier, 1):
        yield _attempt(number, attempt, longest)
    if suite.failures and suite.log.strip():
        yield _log("Its own output, last lines", suite.log, longest)
    if spans := timeline.phases(suite):
        yield _steps(spans)
    if others := [case for case in suite.cases if case.verdict in {Verdict.PASSED, Verdict.SKIPPED}]:
        yield _folded(plural(len(others), "other check" if told else "check"), _list(others))
    if not suite.failures and suite.log.strip():
        yield _folded("Its own output", _output(suite.log, longest))
    if suite.properties:
        yield _facts(suite)


def _told(case: Case) -> Markup:
    detail = element("pre", case.detail) if case.detail else ""
    sign = element("span", f"{_SIGN.get(case.verdict, '·')} ", class_=str(case.verdict))
    return element("li", sign, reason(case), detail)


def _attempt(number: int, attempt: Attempt, longest: int) -> Markup:
    failures = element("ul", *(_told(case) for case in attempt.failures), class_="told")
    log = _output(attempt.log, longest) if attempt.log.strip() else ""
    return _folded(f"Attempt {number} failed after {lasted(attempt.seconds)}", failures, log)


def _steps(spans: Sequence[Phase]) -> Markup:
    steps = (element("li", f"{timeline.phase(span)[1]} {lasted(timeline.length(span))}") for span in spans)
    return element("ul", *steps, class_="steps")


def _list(cases: Sequence[Case]) -> Markup:
    return element("ul", *(element("li", _held(case)) for case in cases), class_="held")


def _held(case: Case) -> str:
    took = f" {case.seconds * 1000:.0f} ms" if case.seconds >= 0.001 else ""
    said = f": {case.message}" if case.message else ""
    return f"{_SIGN.get(case.verdict, '✓')} {case.name}{said}{took}"


def _facts(suite: Suite) -> Markup:
    rows = (joined(element("dt", key), element("dd", _fact(value))) for key, value in suite.properties.items())
    return element("dl", *rows)


def _fact(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _log(title: str, log: str, longest: int) -> Markup:
    return joined(element("h3", title), _output(log, longest))


def _output(log: str, longest: int) -> Markup:
    """The end of a log, in whole lines; a reader of screens may go into it and scroll."""
    kept = log.rstrip()
    if len(kept) > longest:
        kept = kept[-longest:].partition("\n")[2] or kept[-longest:]
        left = element("p", "Earlier lines are left out here; report.json has them.", class_="left-out")
    else:
        left = Markup()
    return joined(
        left, element("pre", element("code", kept), class_="log", tabindex="0", role="region", aria_label="output")
    )


def _folded(title: str, *inside: str) -> Markup:
    return element("details", element("summary", title), *inside)
