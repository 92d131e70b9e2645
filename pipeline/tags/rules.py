"""The syntax of rules: comma-separated `key=value` attributes, as in the action's `tags` and `flavor` inputs."""

from __future__ import annotations

import csv
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
_REQUIRED = {"semver": "pattern", "pep440": "pattern", "match": "pattern", "ref": "event", "raw": "value"}
_CHOICES = {("ref", "event"): ("branch", "tag", "pr"), ("sha", "format"): ("short", "long")}
_KNOWN = {"enable", "priority", "prefix", "suffix", "pattern", "value", "match", "group", "branch", "event", "format"}


@dataclass(frozen=True)
class Rule:
    """One line of `tags`. `text` is the line as written, for messages."""

    kind: str
    attributes: Mapping[str, str]
    text: str
    priority: float

    def get(self, name: str, default: str = "") -> str:
        """An attribute, or the default when it was not written."""
        return self.attributes.get(name, default)


@dataclass(frozen=True)
class Flavor:
    """What holds for all tags. `latest` is auto, true or false."""

    latest: str = "auto"
    prefix: str = ""
    suffix: str = ""
    prefix_latest: bool = False
    suffix_latest: bool = False


def parse(lines: Sequence[str]) -> tuple[Rule, ...]:
    """The rules by falling priority, equal ones in their order; the action's default ones when there are none."""
    rules = [_rule(line) for line in lines or DEFAULT]
    return tuple(sorted(rules, key=lambda rule: -rule.priority))


def _rule(line: str) -> Rule:
    attributes = dict(_pairs(line, "value"))
    kind = attributes.pop("type", "raw")
    if kind not in PRIORITIES:
        raise UsageError(f"tag rule {line!r}: there is no type {kind!r}; there are {', '.join(PRIORITIES)}")
    if unknown := set(attributes) - _KNOWN:
        raise UsageError(f"tag rule {line!r}: unknown attribute {sorted(unknown)[0]!r}")
    if (needed := _REQUIRED.get(kind)) and not attributes.get(needed):
        raise UsageError(f"tag rule {line!r}: type {kind} needs {needed}=…")
    for (of, name), choices in _CHOICES.items():
        if kind == of and attributes.get(name, choices[0]) not in choices:
            raise UsageError(f"tag rule {line!r}: {name} must be one of {', '.join(choices)}")
    return Rule(kind, attributes, line, _number(attributes.get("priority", str(PRIORITIES[kind])), line))


def _number(text: str, line: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"tag rule {line!r}: priority must be a number, not {text!r}") from error


def _pairs(line: str, bare: str = "") -> Iterator[tuple[str, str]]:
    """The attributes of a line. One without `=` is the value of `bare`, if that is allowed."""
    for field in next(csv.reader([line], skipinitialspace=True), []):
        key, equals, value = field.partition("=")
        if equals:
            yield key.strip().lower(), value.strip()
        elif bare:
            yield bare, key.strip()
        else:
            raise UsageError(f"flavor {line!r}: {field!r} has no value")


def parse_flavor(lines: Sequence[str]) -> Flavor:
    """The flavor of these lines; `onlatest` belongs to the prefix or suffix before it on the same line."""
    flavor = Flavor()
    for line in lines:
        about = ""
        for key, value in _pairs(line):
            flavor = _flavored(flavor, key, value, about, line)
            about = key if key in {"prefix", "suffix"} else about
    return flavor


def _flavored(flavor: Flavor, key: str, value: str, about: str, line: str) -> Flavor:
    if key in {"prefix", "suffix"}:
        return replace(flavor, prefix=value) if key == "prefix" else replace(flavor, suffix=value)
    if key == "latest" and value in {"auto", "true", "false"}:
        return replace(flavor, latest=value)
    if key == "onlatest" and about and value in {"true", "false"}:
        on = value == "true"
        return replace(flavor, prefix_latest=on) if about == "prefix" else replace(flavor, suffix_latest=on)
    raise UsageError(
        f"flavor {line!r}: {key}={value} is not known; there are latest=auto|true|false, prefix=, suffix=, onlatest="
    )
