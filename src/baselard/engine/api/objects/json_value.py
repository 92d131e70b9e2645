"""A JSON value, walked and changed by the API. Frozen; the value is kept as compact text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baselard.engine.errors import UserError

_IN_HTML = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
"""What Go's encoding/json escapes in what it writes."""


@dataclass(frozen=True)
class JSONValue:
    """The API's JSONValue: text as it was given, or as Go writes a value."""

    text: str = "null"

    @classmethod
    def of(cls, value: Any) -> "JSONValue":
        """From what Python's json reads; keys are sorted."""
        return cls(_written(value, separators=(",", ":")))

    @classmethod
    def parse(cls, text: str) -> "JSONValue":
        """From JSON text, which stays as it is. Raises UserError when it is none."""
        try:
            json.loads(text)
        except ValueError as error:
            raise UserError(f"invalid JSON: {error}") from error
        return cls(text)

    @property
    def value(self) -> Any:
        return json.loads(self.text)

    def shown(self, *, pretty: bool, indent: str) -> str:
        """As text, as it is or indented."""
        return _written(self.value, indent=indent) if pretty else self.text

    def as_kind(self, kind: type, name: str) -> Any:
        """The value if it is of this Python type. Raises UserError otherwise."""
        value = self.value
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise UserError(f"value is not {name}: {self.text[:60]}")
        return value

    def as_scalar(self, kind: type, go_type: str) -> Any:
        """The value if it is of this Python type; of null, nothing of its kind. Raises UserError otherwise."""
        value = kind() if self.value is None else self.value
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UserError(f"json: cannot unmarshal {self.text[:60]} into Go value of type {go_type}")
        return value

    def field(self, path: Sequence[str]) -> "JSONValue":
        """What is at ``path``, names of object fields one below the other. Raises UserError when nothing is."""
        value = self.value
        for name in path:
            if not isinstance(value, dict):
                raise UserError(f"can't lookup field '{name}' in non-object value")
            if name not in value:
                raise UserError(f"no such field: '{name}'")
            value = value[name]
        return JSONValue.of(value)

    def with_field(self, path: Sequence[str], new: "JSONValue") -> "JSONValue":
        """With ``new`` at ``path``; what is on the way and no object is replaced by one."""
        root = self.value if isinstance(self.value, dict) else {}
        holder = root
        for name in path[:-1]:
            if not isinstance(holder.get(name), dict):
                holder[name] = {}
            holder = holder[name]
        if path:
            holder[path[-1]] = new.value
        return JSONValue.of(root)


def _written(value: Any, **how: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, **how).translate(_IN_HTML)
