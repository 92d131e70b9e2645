"""Events in the repository: the facts that tag rules are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipeline.errors import UsageError
from pipeline.tags import pep440, semver


@dataclass(frozen=True)
class Event:
    """A git ref at a commit, and when. `name` is GitHub's event name; empty means a push."""

    ref: str
    sha: str = ""
    name: str = ""
    default_branch: str = "main"
    base_ref: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    commit_time: datetime | None = None

    @property
    def branch(self) -> str:
        return self._after("refs/heads/")

    @property
    def tag(self) -> str:
        return self._after("refs/tags/")

    @property
    def pull_request(self) -> str:
        """The number of the pull request, or nothing."""
        return self._after("refs/pull/").partition("/")[0]

    @property
    def merged(self) -> str:
        """The part of a pull request's ref that a tag names: N of refs/pull/N/merge."""
        return self._after("refs/pull/").removesuffix("/merge")

    @property
    def prerelease(self) -> bool:
        """Whether the tag is a pre-release, as semantic versions or as Python's have it."""
        one, other = semver.parse(self.tag), pep440.parse(self.tag)
        return bool(one and one.prerelease) if one else bool(other and other.prerelease)

    @property
    def origin(self) -> str:
        """The subject of the event, in words."""
        if self.tag:
            return f"the tag {self.tag}"
        if self.branch:
            return f"the {'default ' if self.on_default_branch else ''}branch {self.branch}"
        return f"the pull request {self.pull_request}"

    @property
    def scheduled(self) -> bool:
        return self.name == "schedule"

    @property
    def on_default_branch(self) -> bool:
        return bool(self.branch) and self.branch == self.default_branch

    def _after(self, prefix: str) -> str:
        return self.ref.removeprefix(prefix) if self.ref.startswith(prefix) else ""


@dataclass(frozen=True)
class Named:
    """An event as a caller names it: full ref, commit, GitHub's name of the event, the commit's time (ISO 8601)."""

    ref: str
    sha: str = ""
    name: str = ""
    created: str = ""


def parse(named: Named, default_branch: str = "main") -> Event:
    """The event of this name; UsageError when the ref or the commit is not written in full."""
    ref, sha = named.ref, named.sha
    if not ref.startswith(("refs/heads/", "refs/tags/", "refs/pull/")):
        raise UsageError(f"{ref!r} is not a git ref; write refs/heads/BRANCH, refs/tags/TAG or refs/pull/N/merge")
    if sha and (len(sha) < 7 or set(sha.lower()) - set("0123456789abcdef")):
        raise UsageError(f"{sha!r} is not a commit; write its hexadecimal name")
    return Event(ref, sha, named.name, default_branch, commit_time=_time(named.created))


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(f"{text!r} is not a time; write it like 2026-01-31T12:00:00+00:00") from error
