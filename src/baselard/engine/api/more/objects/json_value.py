"""A JSON value, walked and changed by the API. Frozen; the value is kept as compact text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from baselard.engine.api.objects.serving import served, served_as
from baselard.engine.errors import UserError
from baselard.oci.text import JSON

Kind = TypeVar("Kind")
Scalar = TypeVar("Scalar", int, str)
_IN_HTML = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
"""What Go's encoding/json escapes in what it writes."""


@served_as("Query.json")
@dataclass(frozen=True)
class JSONValue:
    """The API's JSONValue: text as it was given, or as Go writes a value."""

    text: str = "null"

    @classmethod
    def of(cls, value: JSON) -> "JSONValue":
        """From what Python's json reads; keys are sorted."""
        return cls(_written(value))

    @classmethod
    def parse(cls, text: str) -> "JSONValue":
        """From JSON text, which stays as it is. Raises UserError when it is none."""
        try:
            json.loads(text)
        except ValueError as error:
            raise UserError(f"invalid JSON: {error}") from error
        return cls(text)

    @property
    def value(self) -> JSON:
        value: JSON = json.loads(self.text)
        return value

    @served
    def contents(self, *, pretty: bool = False, indent: str = "  ") -> str:
        """As text, as it is or indented."""
        return _written(self.value, indent) if pretty else self.text

    @served
    def with_contents(self, contents: str) -> "JSONValue":
        """Another value, from JSON text. Raises UserError when it is none."""
        return JSONValue.parse(contents)

    @served_as("newBoolean", "newInteger", "newString")
    def new(self, value: bool | int | str) -> "JSONValue":
        return JSONValue.of(value)

    @served
    def as_array(self) -> "list[JSONValue]":
        return [JSONValue.of(item) for item in self._as_kind(list, "an array")]

    @served
    def as_boolean(self) -> bool:
        return self._as_kind(bool, "a boolean")

    @served
    def as_integer(self) -> int:
        return self._as_scalar(int, "int")

    @served
    def as_string(self) -> str:
        return self._as_scalar(str, "string")

    @served
    def fields(self) -> list[str]:
        return list(self._as_kind(dict, "an object"))

    def _as_kind(self, kind: type[Kind], name: str) -> Kind:
        value = self.value
        if not isinstance(value, kind):
            raise UserError(f"value is not {name}: {self.text[:60]}")
        return value

    def _as_scalar(self, kind: type[Scalar], go_type: str) -> Scalar:
        """The value if it is of this Python type; of null, nothing of its kind. Raises UserError otherwise."""
        value = kind() if self.value is None else self.value
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UserError(f"json: cannot unmarshal {self.text[:60]} into Go value of type {go_type}")
        return value

    @served
    def field(self, path: Sequence[str]) -> "JSONValue":
        """The value at ``path``, names of object fields one below the other. Raises UserError when nothing is."""
        value = self.value
        for name in path:
            if not isinstance(value, dict):
                raise UserError(f"can't lookup field '{name}' in non-object value")
            if name not in value:
                raise UserError(f"no such field: '{name}'")
            value = value[name]
        return JSONValue.of(value)

    @served
    def with_field(self, path: Sequence[str], value: "JSONValue") -> "JSONValue":
        """With ``value`` at ``path``; what is on the way and no object is replaced by one."""
        known = self.value
        root = known if isinstance(known, dict) else {}
        holder = root
        for name in path[:-1]:
            below = holder.get(name)
            holder[name] = below = below if isinstance(below, dict) else {}
            holder = below
        if path:
            holder[path[-1]] = value.value
        return JSONValue.of(root)


def _written(value: JSON, indent: str | None = None) -> str:
    separators = None if indent is not None else (",", ":")
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent, separators=separators)
    return text.translate(_IN_HTML)
