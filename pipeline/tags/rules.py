"""The syntax of rules: comma-separated `key=value` attributes, as in the action's `tags` and `flavor` inputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.errors import UsageError

# The action's default order: the first tag that is produced is the version and decides about `latest`.
PRIORITIES = {
    "schedule": 1000,
    "semver": 900,
    "pep440": 900,
    "match": 800,
    "edge": 700,
    "ref": 600,
    "raw": 200,
    "sha": 100,
}
DEFAULT = ("type=schedule", "type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr")
_WHOLE = re.compile(r'^"([^"]*)"$')
_QUOTED = re.compile(r'(^|(?<=,))"([^",]*)"(?=,|$)')
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_REQUIRED = {"semver": "pattern", "pep440": "pattern", "match": "pattern", "ref": "event", "raw": "value"}
_CHOICES = {("ref", "event"): ("branch", "tag", "pr"), ("sha", "format"): ("short", "long")}
_KNOWN = {"enable", "priority", "prefix", "suffix", "pattern", "value", "match", "group", "branch", "event", "format"}


@dataclass(frozen=True)
class TagRule:
    """One line of `tags`. `text` is the line, and it was `written` by somebody unless it is one of the defaults.

    One `of_variant` says itself which variant of a base it is about.
    """

    kind: str
    attributes: Mapping[str, str]
    text: str
    priority: float
    written: bool = True
    of_variant: bool = False

    def __str__(self) -> str:
        return f"tag rule {self.text!r}" if self.written else f"tag rule {self.text!r}, a default without publish.tags"

    def get(self, name: str, default: str = "") -> str:
        """An attribute, or the default when it was not written."""
        return self.attributes.get(name, default)


@dataclass(frozen=True)
class Flavor:
    """The settings that hold for all tags. `latest` is auto, true or false; `target` ends the tags of one target.

    `own` are the tags that stand where `latest` would, of a base that has some; `stage` is what of `target` is not the
    first of them.
    """

    latest: str = "auto"
    prefix: str = ""
    suffix: str = ""
    prefix_latest: bool = False
    suffix_latest: bool = False
    target: str = ""
    own: tuple[str, ...] = ()
    stage: str = ""


def listed(items: Sequence[str]) -> list[str]:
    """The lines of a list input: as many as an item has, without empty ones and comments, which begin with `#`."""
    lines = [line for item in items for line in item.strip().split("\n")]
    return [_unquoted(line.strip()) for line in lines if line.strip() and not line.startswith("#")]


def _unquoted(line: str) -> str:
    """The line without quotes around it or an attribute. The action drops them before it splits at commas."""
    plain = _QUOTED.sub(r"\2", _WHOLE.sub(r"\1", line))
    if '"' in plain:
        raise UsageError(
            f'{line!r}: a " may stand around a whole attribute only, which then holds neither " nor a comma'
        )
    return plain


def parse(items: Sequence[str]) -> tuple[TagRule, ...]:
    """The rules by falling priority, equal ones in their order; the action's default ones when there are none."""
    rules = [_rule(line) for line in listed(items)] or [replace(_rule(line), written=False) for line in DEFAULT]
    return tuple(sorted(rules, key=lambda rule: -rule.priority))


def _rule(line: str) -> TagRule:
    attributes = dict(_pairs(line, "value"))
    kind = attributes.pop("type", "raw")
    if kind not in PRIORITIES:
        raise UsageError(f"tag rule {line!r}: there is no type {kind!r}; there are {', '.join(PRIORITIES)}")
    if unknown := set(attributes) - _KNOWN:
        raise UsageError(f"tag rule {line!r}: unknown attribute {sorted(unknown)[0]!r}")
    if (needed := _REQUIRED.get(kind)) and needed not in attributes:
        raise UsageError(f"tag rule {line!r}: type {kind} needs {needed}=…")
    for (of, name), choices in _CHOICES.items():
        if kind == of and attributes.get(name, choices[0]) not in choices:
            raise UsageError(f"tag rule {line!r}: {name} must be one of {', '.join(choices)}")
    if kind == "match":
        _number("group", attributes, line)
    return TagRule(kind, attributes, line, _number("priority", {"priority": str(PRIORITIES[kind]), **attributes}, line))


def _number(name: str, attributes: Mapping[str, str], line: str) -> float:
    """An attribute as JavaScript's Number() reads it, where nothing is 0."""
    text = attributes.get(name, "")
    if text and not _NUMBER.fullmatch(text):
        raise UsageError(f"tag rule {line!r}: {name} must be a number, not {text!r}")
    return float(text or 0)


def _pairs(line: str, bare: str = "") -> Iterator[tuple[str, str]]:
    """The attributes of a line. One without `=` is the value of `bare`, if that is allowed."""
    for field in line.split(","):
        key, equals, value = field.partition("=")
        if equals:
            yield key.strip().lower(), value.strip()
        elif bare:
            yield bare, key.strip()
        else:
            raise UsageError(f"flavor {line!r}: {field!r} has no value")


def parse_flavor(items: Sequence[str]) -> Flavor:
    """The flavor of these lines; `onlatest` belongs to the prefix or suffix before it on the same line."""
    flavor = Flavor()
    for line in listed(items):
        about = ""
        for key, value in _pairs(line):
            flavor = _flavored(flavor, key, value, about, line)
            about = key if key in {"prefix", "suffix"} else about
    return flavor


def _flavored(flavor: Flavor, key: str, value: str, about: str, line: str) -> Flavor:
    if "=" in value:
        raise UsageError(f"flavor {line!r}: {key}={value} has a second =, and the action drops what follows it")
    if key in {"prefix", "suffix"}:
        return replace(flavor, prefix=value) if key == "prefix" else replace(flavor, suffix=value)
    if key == "latest" and value in {"auto", "true", "false"}:
        return replace(flavor, latest=value)
    if key == "onlatest" and about and value in {"true", "false"}:
        on = value == "true"
        return replace(flavor, prefix_latest=on) if about == "prefix" else replace(flavor, suffix_latest=on)
    if key == "onlatest" and value in {"true", "false"}:
        raise UsageError(f"flavor {line!r}: onlatest belongs to a prefix or suffix before it on the same line")
    raise UsageError(
        f"flavor {line!r}: {key}={value} is not known; there are latest=auto|true|false, prefix=, suffix=, onlatest="
    )
