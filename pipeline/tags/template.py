"""The expressions that rules may hold: `{{branch}}`, `{{date 'YYYYMMDD' tz='Europe/Berlin'}}` and the like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pipeline.errors import UsageError
from pipeline.tags import handlebars
from pipeline.tags.events import Event
from pipeline.tags.handlebars import Helper, Value
from pipeline.tags.moment import moment

# Events of GitHub's that are always about the last commit of the default branch, by a part of their names.
_ALWAYS_DEFAULT = ("create", "discussion", "issues", "schedule")


def render(text: str, event: Event, *, escaped: bool = True) -> str:
    """The text with what is known of any event; UsageError for an expression that is not."""
    default = event.on_default_branch or any(part in event.name for part in _ALWAYS_DEFAULT)
    known: Mapping[str, Value | Helper] = {
        "branch": event.branch,
        "tag": event.tag,
        "sha": event.sha[:7],
        "base_ref": event.base_ref if event.tag or event.pull_request else "",
        "is_default_branch": default,
        "is_not_default_branch": not default,
        **_times(event),
    }
    return handlebars.render(handlebars.parse(text), known, escaped=escaped)


def of_schedule(pattern: str, event: Event) -> str:
    """The pattern of a schedule, which knows times alone."""
    return handlebars.render(handlebars.parse(pattern), _times(event))


def of_version(pattern: str, parts: Mapping[str, Value]) -> str:
    """The pattern of a version, which knows the version's parts alone."""
    return handlebars.render(handlebars.parse(pattern), parts)


def _times(event: Event) -> dict[str, Helper]:
    return {"date": _time(event.now), "commit_date": _time(event.commit_time or event.now)}


def _time(when: datetime) -> Callable[[Sequence[str], Mapping[str, str]], str]:
    def formatted(arguments: Sequence[str], options: Mapping[str, str]) -> str:
        if len(arguments) != 1 or set(options) - {"tz"}:
            raise UsageError("a time takes one format and at most tz, as in {{date 'YYYYMMDD' tz='Europe/Berlin'}}")
        return moment(when, arguments[0], options.get("tz", "UTC"))

    return formatted
