"""Which named thing work belongs to: a row for each image or check that spans are about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from baselard.engine.progress.spans import CALL, FOLDED, HIDDEN, SUITE, WAITS, Asker, Span
from baselard.engine.progress.text import plainly

_BELOW = " · "
_DEEPEST = 100  # spans above one another; more can only be a mistake


@dataclass
class Row:
    """The state of one named thing. ``call`` is which of several calls it is for.

    ``open`` holds the spans about it that have not ended, in order.

    Seconds are those in which a phase of it was under way; waiting for another does not count.
    """

    name: str
    call: str = ""
    open: dict[str, Span] = field(default_factory=dict)
    failed: str = ""
    last: str = ""
    ran: int = 0
    cached: int = 0
    began: float = 0
    spent: float = 0

    @property
    def ended(self) -> bool:
        """Whether nothing of it is under way."""
        return not self.open

    @property
    def phase(self) -> str:
        """The work in hand, in the words of its span; empty where no span says it."""
        told = [span.name for span in self.open.values() if not _is(span, SUITE, FOLDED, HIDDEN)]
        return plainly(told[-1]) if told else ""

    @property
    def own_name(self) -> str:
        """Its name below that of its call."""
        return self.name.removeprefix(f"{self.call}{_BELOW}")

    def working(self) -> bool:
        """Whether a phase is under way that is not waiting."""
        return any(not _is(span, SUITE, WAITS, HIDDEN) for span in self.open.values())

    def seconds(self, now: float) -> float:
        """How long it has been worked on."""
        return self.spent + (now - self.began if self.working() else 0)


@dataclass
class Rows:
    """The rows in the order in which they began, and every span that was told of. Not safe from several threads."""

    rows: dict[str, Row] = field(default_factory=dict)
    _spans: dict[str, Span] = field(default_factory=dict)

    def span(self, span: Span, now: float) -> Row | None:
        """Take in that a span has begun or ended; the row that it is about, if any."""
        self._spans[span.id] = span
        name = self.name(span.asker)
        if not name:
            return None
        row = self.rows.setdefault(name, Row(name, self._call(span.asker)))
        worked = row.working()
        if span.end:
            row.open.pop(span.id, None)
            if span.failed and _is(span, SUITE):
                row.failed = plainly(span.error) or "failed"
            if _is(span, FOLDED):
                row.last = plainly(span.name)
        else:
            row.open[span.id] = span
        if row.working() and not worked:
            row.began = now
        elif worked and not row.working():
            row.spent += max(0.0, now - row.began)
        return row

    def name(self, asker: Asker) -> str:
        """The name of the row that this span's work belongs to, after the call's if there are several; or empty."""
        found = self._above(asker, SUITE)
        own = plainly(str(found.attributes[SUITE])).lstrip(" :#") if found else ""
        return _BELOW.join(dict.fromkeys(filter(None, [self._call(asker), own]))) if own else ""

    def row(self, asker: Asker) -> Row | None:
        """The row that this span's work belongs to."""
        return self.rows.get(self.name(asker))

    def folded(self, asker: Asker) -> str:
        """The name of the span that stands for all that is done below it; empty where there is none."""
        found = self._above(asker, FOLDED)
        return plainly(found.name) if found else ""

    def folding(self, asker: Asker) -> str:
        """The ID of that span."""
        found = self._above(asker, FOLDED)
        return found.id if found else ""

    def _call(self, asker: Asker) -> str:
        found = self._above(asker, CALL)
        return plainly(str(found.attributes[CALL])).lstrip(" :#") if found else ""

    def _above(self, asker: Asker, attribute: str) -> Span | None:
        """The nearest span, this one included, that has the attribute."""
        identity = asker.span
        for _ in range(_DEEPEST):
            span = self._spans.get(identity)
            if span is None or _is(span, attribute):
                return span
            identity = span.parent
        return None


def _is(span: Span, *names: str) -> bool:
    attributes: Mapping[str, object] = span.attributes
    return any(attributes.get(name) for name in names)
