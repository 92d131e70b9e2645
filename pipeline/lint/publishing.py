"""Tag rules, tried on events that come sooner or later: what publishing would refuse is said before."""

from __future__ import annotations

from pipeline.config.config import FILE
from pipeline.errors import UsageError
from pipeline.lint.finding import Finding
from pipeline.model import Location
from pipeline.project import Project
from pipeline.tags import naming
from pipeline.tags.events import Event

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LINK = "https://github.com/baselard/baselard/blob/main/docs/how-to/publishing.md#tags"


def findings(project: Project) -> list[Finding]:
    """An error for what a push or a release would meet, information for what only a pre-release would.

    Nothing where a base has no name: whoever gives it none does not publish it.
    """
    if naming.nameless(project):
        return []
    branch = project.config.publish.default_branch
    events = {
        Event(f"refs/heads/{branch}", _COMMIT, default_branch=branch): "error",
        Event(f"refs/heads/{branch}", _COMMIT, "schedule", branch): "error",
        Event("refs/tags/v1.2.3", _COMMIT, default_branch=branch): "error",
        Event("refs/tags/v1.2.3-rc.1", _COMMIT, default_branch=branch): "info",
    }
    said: dict[str, tuple[str, str]] = {}
    for event, severity in events.items():
        try:
            naming.named(project, event)
        except UsageError as error:
            said.setdefault(str(error), (severity, event.ref))
    return [_finding(project, *about, message) for message, about in said.items()]


def _finding(project: Project, severity: str, ref: str, message: str) -> Finding:
    lines = project.config.document.lines
    line = next((lines[key] for key in ("publish.tags", "publish.flavor", "publish", "bases") if key in lines), 0)
    return Finding(Location(FILE, line), "baselard/tags", severity, f"publishing {ref} would fail: {message}", _LINK)
