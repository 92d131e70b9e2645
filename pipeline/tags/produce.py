"""From rules and an event to tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pipeline.errors import UsageError
from pipeline.tags import pep440, semver
from pipeline.tags.event import Event
from pipeline.tags.rules import Flavor, Rule
from pipeline.tags.template import render, slashless

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class Versioned(Protocol):
    """What `pattern` of a version rule can name."""

    @property
    def raw(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def major(self) -> int: ...
    @property
    def minor(self) -> int: ...
    @property
    def patch(self) -> int: ...


@dataclass(frozen=True)
class Candidate:
    """What one rule yields, and whether `latest` goes with it unless the flavor says otherwise."""

    value: str
    latest: bool = False


@dataclass(frozen=True)
class Tags:
    """The tags in the action's order: the version first, `latest` last. Empty when no rule applied."""

    names: tuple[str, ...]

    @property
    def version(self) -> str:
        return self.names[0] if self.names else ""


def produce(rules: Sequence[Rule], flavor: Flavor, event: Event) -> Tags:
    """All tags of an event; UsageError when one is no tag, or when `latest` would move where it must not."""
    found = [(rule, one) for rule in rules if _enabled(rule, event) and (one := _KINDS[rule.kind](rule, event))]
    found = [(rule, one) for rule, one in found if one.value]
    names = [_tag(rule, one.value, flavor, event) for rule, one in found]
    latest = bool(found) and (found[0][1].latest if flavor.latest == "auto" else flavor.latest == "true")
    if latest:
        names.append(_latest(flavor))
    tags = tuple(dict.fromkeys(names))
    _protect_latest(tags, flavor, event)
    return Tags(tags)


def for_target(flavor: Flavor, target: str, first: str) -> Flavor:
    """The flavor of one target: all but the first carry their name as a suffix, on `latest` too."""
    if target == first:
        return flavor
    return replace(flavor, suffix=f"{flavor.suffix}-{target}", suffix_latest=True)


def _enabled(rule: Rule, event: Event) -> bool:
    value = render(rule.get("enable", "true"), event)
    if value not in {"true", "false"}:
        raise UsageError(f"tag rule {rule.text!r}: enable must come out as true or false, not {value!r}")
    return value == "true"


def _tag(rule: Rule, value: str, flavor: Flavor, event: Event) -> str:
    """The value with its prefix and suffix; what a tag may not hold becomes a hyphen."""
    default_prefix = {"ref": "pr-" if rule.get("event") == "pr" else flavor.prefix, "sha": "sha-"}
    prefix = render(rule.get("prefix", default_prefix.get(rule.kind, flavor.prefix)), event)
    suffix = render(rule.get("suffix", flavor.suffix), event)
    tag = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{prefix}{value}{suffix}")
    if not _TAG.fullmatch(tag):
        raise UsageError(f"tag rule {rule.text!r} yields {tag!r}, which is not a tag")
    return tag


def _latest(flavor: Flavor) -> str:
    prefix = flavor.prefix if flavor.prefix_latest else ""
    return f"{prefix}latest{flavor.suffix if flavor.suffix_latest else ''}"


def _protect_latest(tags: Sequence[str], flavor: Flavor, event: Event) -> None:
    release = semver.parse(event.tag)
    stable = bool(event.tag) and not (release and release.prerelease)
    if {"latest", _latest(flavor)} & set(tags) and not (event.on_default_branch or stable):
        raise UsageError(
            f"these rules would move `latest` to {event.ref}; it is only for the default branch "
            f"({event.default_branch}) and for releases: add enable={{{{is_default_branch}}}} to the rule"
        )


# --- the kinds of rules ----------------------------------------------------------------------------------------------


def _schedule(rule: Rule, event: Event) -> Candidate | None:
    return Candidate(render(rule.get("pattern", "nightly"), event)) if event.scheduled else None


def _semver(rule: Rule, event: Event) -> Candidate | None:
    """A pre-release yields only its whole version: `1.2` must never point at a candidate."""
    version = semver.parse(_named(rule, event))
    return _versioned(rule, event, version, final=not version.prerelease) if version else None


def _pep440(rule: Rule, event: Event) -> Candidate | None:
    """Likewise for a pre-, post- or development release of a Python version."""
    version = pep440.parse(_named(rule, event))
    return _versioned(rule, event, version, final=version.final) if version else None


def _named(rule: Rule, event: Event) -> str:
    """The text that should be a version: `value` or the git tag, of that the first group of `match` if it matches."""
    text = render(rule.get("value"), event) or event.tag
    if (pattern := rule.get("match")) and (found := _search(rule, pattern, text)):
        text = (found[1] if found.re.groups else found[0]) or ""
    return slashless(text)


def _versioned(rule: Rule, event: Event, version: Versioned, *, final: bool) -> Candidate:
    parts = {name: str(getattr(version, name)) for name in ("raw", "version", "major", "minor", "patch")}
    pattern = rule.get("pattern")
    if final:
        return Candidate(render(pattern, event, parts), latest=True)
    whole = "{{raw}}" if re.fullmatch(r"\{\{\s*raw\s*\}\}", pattern) else "{{version}}"
    return Candidate(render(whole, event, parts))


def _match(rule: Rule, event: Event) -> Candidate | None:
    subject = render(rule.get("value"), event) or event.tag
    match = _search(rule, rule.get("pattern"), subject) if subject else None
    try:
        return Candidate(match[int(rule.get("group", "0"))] or "", latest=True) if match else None
    except (ValueError, IndexError) as error:
        raise UsageError(f"tag rule {rule.text!r}: {error}") from error


def _search(rule: Rule, pattern: str, text: str) -> re.Match[str] | None:
    """A search for a pattern, which may be written with its flags: /pattern/i."""
    if slashed := re.fullmatch(r"/(.+)/([a-z]*)", pattern):
        pattern = f"(?i){slashed[1]}" if "i" in slashed[2] else slashed[1]
    try:
        return re.search(pattern, text)
    except re.error as error:
        raise UsageError(f"tag rule {rule.text!r}: {error}") from error


def _edge(rule: Rule, event: Event) -> Candidate | None:
    branch = render(rule.get("branch"), event) or event.default_branch
    return Candidate("edge") if event.branch == branch else None


def _ref(rule: Rule, event: Event) -> Candidate | None:
    value = {"branch": event.branch, "tag": event.tag, "pr": event.pull_request}[rule.get("event")]
    if not value:
        return None
    return Candidate(slashless(value), latest=rule.get("event") == "tag")


def _raw(rule: Rule, event: Event) -> Candidate:
    return Candidate(render(rule.get("value"), event))


def _sha(rule: Rule, event: Event) -> Candidate | None:
    if not event.sha:
        return None
    return Candidate(event.sha if rule.get("format", "short") == "long" else event.sha[:7])


_KINDS: dict[str, Callable[[Rule, Event], Candidate | None]] = {
    "schedule": _schedule,
    "semver": _semver,
    "pep440": _pep440,
    "match": _match,
    "edge": _edge,
    "ref": _ref,
    "raw": _raw,
    "sha": _sha,
}
