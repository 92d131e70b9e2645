"""From rules and an event to tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.errors import UsageError
from pipeline.tags import pep440, semver
from pipeline.tags.events import Event
from pipeline.tags.handlebars import Value, is_only
from pipeline.tags.regex import compile_
from pipeline.tags.rules import Flavor, TagRule
from pipeline.tags.template import of_schedule, of_version, render

# What a pattern may name of a version of either kind.
_PARTS = ("raw", "version", "major", "minor", "patch")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Candidate:
    """The tags that one rule yields, and whether `latest` goes with it unless the flavor says otherwise."""

    value: str
    latest: bool = False


@dataclass(frozen=True)
class Tags:
    """The tags in the action's order: the version first, `latest` last. Empty when no rule applied."""

    names: tuple[str, ...]

    @property
    def version(self) -> str:
        return self.names[0] if self.names else ""


@dataclass(frozen=True)
class _Named:
    """A tag and the rule that it is by."""

    rule: TagRule
    tag: str
    latest: bool


def produce(rules: Sequence[TagRule], flavor: Flavor, event: Event) -> Tags:
    """All tags of an event; UsageError when one is no tag, or when `latest` would move where it must not."""
    named = [one for rule in rules if (one := _named(rule, flavor, event))]
    latest = bool(named) and (named[0].latest if flavor.latest == "auto" else flavor.latest == "true")
    _protect_latest(named, latest, flavor, event)
    newest = _latest(flavor)
    tags = [*(one.tag for one in named), *([newest] if latest else [])]
    return Tags(tuple(dict.fromkeys(name for tag in tags for name in (flavor.own if tag == newest else ()) or [tag])))


def for_target(flavor: Flavor, target: str, first: str, tags: Sequence[str] = ()) -> Flavor:
    """The flavor of one target: all but the first carry their name as a suffix, on `latest` too.

    Of a base with tags of its own they begin with the first of these, and all of these stand where `latest` would.
    """
    ending = "" if target == first else f"-{target}"
    own = tuple(f"{tag}{ending}" for tag in tags)
    return replace(flavor, target=f"-{own[0]}" if own else ending, stage=ending, own=own)


def _named(rule: TagRule, flavor: Flavor, event: Event) -> _Named | None:
    try:
        candidate = _KINDS[rule.kind](rule, event) if _enabled(rule, event) else None
        text = _whole(rule, candidate.value, flavor, event) if candidate else ""
        return _Named(rule, _tag(text), candidate.latest) if candidate and text else None
    except UsageError as error:
        raise UsageError(f"{rule}: {error}") from error


def _enabled(rule: TagRule, event: Event) -> bool:
    value = render(rule.get("enable", "true"), event)
    if value not in {"true", "false"}:
        raise UsageError(f"enable must come out as true or false, not {value!r}")
    return value == "true"


def _whole(rule: TagRule, value: str, flavor: Flavor, event: Event) -> str:
    """The value with its prefix and suffix; of a target's name nothing is made."""
    default_prefix = {"ref": "pr-" if rule.get("event") == "pr" else flavor.prefix, "sha": "sha-"}
    prefix = render(rule.get("prefix", default_prefix.get(rule.kind, flavor.prefix)), event)
    text = f"{prefix}{value}{render(rule.get('suffix', flavor.suffix), event)}"
    ending = flavor.stage if rule.of_variant else flavor.target
    return f"{text}{ending}" if text and "suffix" not in rule.attributes else text


def _tag(text: str) -> str:
    """The text as a tag: whatever a tag may not hold becomes a hyphen, last of all."""
    tag = _sanitised(text)
    if not TAG.fullmatch(tag):
        raise UsageError(f"it yields {tag!r}, which is not a tag")
    return tag


def _latest(flavor: Flavor) -> str:
    prefix = flavor.prefix if flavor.prefix_latest else ""
    suffix = flavor.suffix if flavor.suffix_latest or flavor.target else ""
    return _sanitised(f"{prefix}latest{suffix}{flavor.target}")


def _sanitised(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)


def _protect_latest(named: Sequence[_Named], latest: bool, flavor: Flavor, event: Event) -> None:
    by_name = next((one for one in named if one.tag in {"latest", _latest(flavor)}), None)
    if event.on_default_branch or (event.tag and not event.prerelease) or not (by_name or latest):
        return
    if by_name:
        who, remedy = str(by_name.rule), "add enable={{is_default_branch}} to it"
    elif flavor.latest == "true":
        who, remedy = "flavor latest=true", "write latest=auto"
    else:
        who, remedy = str(named[0].rule), "a rule of type=semver or the flavor latest=false leaves it where it is"
    raise UsageError(
        f"{who} would move `latest` to {event.ref}; it is only for the default branch ({event.default_branch}) "
        f"and for releases: {remedy}"
    )


# --- the kinds of rules ----------------------------------------------------------------------------------------------


def _schedule(rule: TagRule, event: Event) -> Candidate | None:
    return Candidate(of_schedule(rule.get("pattern", "nightly"), event)) if event.scheduled else None


def _semver(rule: TagRule, event: Event) -> Candidate | None:
    """A pre-release yields only its whole version: `1.2` must never point at a candidate."""
    version = semver.parse(_version(rule, event) or "")
    if version is None:
        return None
    parts: dict[str, Value] = {name: getattr(version, name) for name in (*_PARTS, "prerelease")}
    parts["build"] = version.build.replace(".", ",")
    return _versioned(rule, parts, final=not version.prerelease)


def _pep440(rule: TagRule, event: Event) -> Candidate | None:
    """Likewise for a pre-, post- or development release of a Python version."""
    version = pep440.parse(_version(rule, event) or "")
    return _versioned(rule, {name: getattr(version, name) for name in _PARTS}, final=version.final) if version else None


def _subject(rule: TagRule, event: Event) -> str | None:
    """The text that a rule about versions looks at: `value`, else the git tag; None when there is neither."""
    return render(rule.get("value"), event) if rule.get("value") else event.tag or None


def _version(rule: TagRule, event: Event) -> str | None:
    """The text that should be a version: of the subject, the first group of `match` if it matches."""
    text = _subject(rule, event)
    if text is not None and (pattern := rule.get("match")) and (found := compile_(pattern).find(text)):
        text = found[1] if len(found) > 1 else None
        if text is None:
            raise UsageError("match needs a group around the version, as in v(.*)")
    return text and text.replace("/", "-")


def _versioned(rule: TagRule, parts: Mapping[str, Value], *, final: bool) -> Candidate:
    pattern = rule.get("pattern")
    if final:
        return Candidate(of_version(pattern, parts), latest=True)
    return Candidate(of_version("{{raw}}" if is_only(pattern, "raw") else "{{version}}", parts))


def _match(rule: TagRule, event: Event) -> Candidate | None:
    subject, pattern = _subject(rule, event), rule.get("pattern")
    if subject is None:
        return None
    slashed = re.fullmatch(r"/(.+)/(.*)", pattern)
    wanted = compile_(slashed[1], slashed[2]) if slashed else compile_(pattern)
    found, group = wanted.find(subject), rule.get("group", "0")
    if wanted.only_whole and group != "0":
        raise UsageError("with the flag g there are no groups")
    value = {str(number): text for number, text in enumerate(found or ())}.get(group)
    return None if value is None else Candidate(value, latest=True)


def _edge(rule: TagRule, event: Event) -> Candidate | None:
    return Candidate("edge") if event.branch == (rule.get("branch") or event.default_branch) else None


def _ref(rule: TagRule, event: Event) -> Candidate | None:
    value = {"branch": event.branch, "tag": event.tag, "pr": event.merged}[rule.get("event")]
    # What somebody wrote moves `latest` to any tag, as the action does; what is only the default not to a pre-release.
    latest = rule.get("event") == "tag" and (rule.written or not event.prerelease)
    return Candidate(value, latest) if value else None


def _raw(rule: TagRule, event: Event) -> Candidate:
    return Candidate(render(rule.get("value"), event))


def _sha(rule: TagRule, event: Event) -> Candidate | None:
    if not event.sha:
        return None
    return Candidate(event.sha if rule.get("format", "short") == "long" else event.sha[:7])


_KINDS: dict[str, Callable[[TagRule, Event], Candidate | None]] = {
    "schedule": _schedule,
    "semver": _semver,
    "pep440": _pep440,
    "match": _match,
    "edge": _edge,
    "ref": _ref,
    "raw": _raw,
    "sha": _sha,
}
