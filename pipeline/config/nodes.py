"""YAML nodes to values: scalars stay as they are written until a JSON schema says what they shall be.

YAML 1.2's core schema (section 10.3) decides what is a number, a truth value or nothing where JSON's wants one.
Nothing is guessed from the text alone, so `3.10` and `no` stay what they are. Merge keys (`<<`) work, tags do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from pipeline.errors import ConfigError

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_TEXT, _MAPPING, _SEQUENCE = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
_UNTAGGED = "untagged"
_KINDS: Mapping[type[yaml.Node], str] = {yaml.MappingNode: "object", yaml.SequenceNode: "array"}
_MERGE = "<<"
_MOST = 100_000


class Loader(yaml.SafeLoader):
    """Makes nothing of a scalar: whatever tag it has was written."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # as the base class has it
    DEFAULT_SCALAR_TAG = _UNTAGGED  # type: ignore[misc]  # final in the stubs, of each class in the program


@dataclass
class Reader:
    """Turns nodes into values. `lines` fills with what was read."""

    path: str
    definitions: Mapping[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def value(self, node: yaml.Node, schema: Mapping[str, Any], where: tuple[str, ...]) -> Any:
        self.count += 1
        if self.count > _MOST:
            raise self._wrong(node, f"the file has more than {_MOST} values, since an alias repeats what it means")
        schema = self._fitting(self._resolved(schema), node)
        if node.tag not in (_TEXT, _MAPPING, _SEQUENCE, _UNTAGGED):
            raise self._wrong(node, f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} is not known here")
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, schema, where))
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, schema, (*where, str(number))) for number, item in enumerate(node.value)]
        plain = isinstance(node, yaml.ScalarNode) and node.style is None and node.tag == _UNTAGGED
        return _scalar(str(node.value), schema) if plain else node.value

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        name = str(schema.get("$ref", "")).removeprefix("#/definitions/")
        return {**self.definitions[name], **schema} if name else schema

    def _fitting(self, schema: Mapping[str, Any], node: yaml.Node) -> Mapping[str, Any]:
        """Of several schemas the one for this kind of node."""
        kind = _KINDS.get(type(node), "string")
        choices = [self._resolved(one) for one in schema.get("anyOf", ())]
        return next((choice for choice in choices if choice.get("type") == kind), schema)

    def _item(self, node: yaml.Node, schema: Mapping[str, Any], where: tuple[str, ...]) -> Any:
        self.lines.setdefault(".".join(where), node.start_mark.line + 1)
        items, number = schema.get("items", {}), int(where[-1])
        one = (items[number] if number < len(items) else {}) if isinstance(items, list) else items
        return self.value(node, one, where)

    def _pairs(
        self, node: yaml.MappingNode, schema: Mapping[str, Any], where: tuple[str, ...]
    ) -> Iterator[tuple[str, Any]]:
        """Keys and values, those of merged mappings first: what the mapping itself says comes last and wins."""
        others = schema.get("additionalProperties")
        rest = others if isinstance(others, Mapping) else {}
        merged, own = self._parted(node)
        for mapping in merged:
            yield from self._pairs(mapping, schema, where)
        for key, child in own:
            here = (*where, key.value)
            self.lines[".".join(here)] = key.start_mark.line + 1
            yield key.value, self.value(child, schema.get("properties", {}).get(key.value, rest), here)

    def _parted(self, node: yaml.MappingNode) -> tuple[list[yaml.MappingNode], list[tuple[yaml.Node, yaml.Node]]]:
        """The mappings that are merged in, the one that wins last, and the mapping's own pairs, each key once."""
        merged: list[yaml.MappingNode] = []
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._wrong(key, "a key must be a text")
            if key.value == _MERGE and key.style is None:
                merged += self._mappings(child)
            elif key.value in own:
                first = own[key.value][0].start_mark.line + 1
                raise self._wrong(key, f"the key {key.value!r} is there twice, first in line {first}")
            else:
                own[key.value] = key, child
        return merged[::-1], list(own.values())

    def _mappings(self, node: yaml.Node) -> list[yaml.MappingNode]:
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(one, yaml.MappingNode) for one in items):
            raise self._wrong(node, f"{_MERGE} merges mappings only")
        return list(items)

    def _wrong(self, node: yaml.Node, problem: str) -> ConfigError:
        return ConfigError(f"{self.path}:{node.start_mark.line + 1}: {problem}")


def _scalar(text: str, schema: Mapping[str, Any]) -> Any:
    """A plain scalar as the schema's type; text where the type takes text, or where it is none of that type."""
    if not schema:
        return _untyped(text)
    wanted = schema.get("type", "string")
    types = [wanted] if isinstance(wanted, str) else wanted
    if text in _NOTHING:
        return None
    if "string" in types:
        return text
    if "boolean" in types and text in _TRUTH:
        return _TRUTH[text]
    if {"integer", "number"} & set(types) and _INTEGER.fullmatch(text):
        return int(text) if text.lstrip("+-").isdecimal() else int(text, 0)
    return float(text) if "number" in types and _NUMBER.fullmatch(text) else text


def _untyped(text: str) -> Any:
    """Where anything may stand: a number only if it would be written the same again, so that 3.10 and 012 are text."""
    if text in _NOTHING:
        return None
    if _NUMBER.fullmatch(text):
        numbers = [kind(text) for kind in (int, float) if kind is float or _INTEGER.fullmatch(text)]
        return next((number for number in numbers if str(number) == text), text)
    return _TRUTH.get(text, text)
