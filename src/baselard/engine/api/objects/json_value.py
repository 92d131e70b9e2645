"""A JSON value, walked and changed by the API. Frozen; the value is kept as compact text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baselard.engine.errors import UserError


@dataclass(frozen=True)
class JSONValue:
    """The API's JSONValue; order of keys is kept."""

    text: str = "null"

    @classmethod
    def of(cls, value: Any) -> "JSONValue":
        """From what Python's json reads."""
        return cls(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    @classmethod
    def parse(cls, text: str) -> "JSONValue":
        """From JSON text. Raises UserError when it is none."""
        try:
            return cls.of(json.loads(text))
        except ValueError as error:
            raise UserError(f"this is not JSON: {error}") from error

    @property
    def value(self) -> Any:
        return json.loads(self.text)

    def shown(self, *, pretty: bool, indent: str) -> str:
        """As text, on one line or indented."""
        return json.dumps(self.value, ensure_ascii=False, indent=indent) if pretty else self.text

    def as_kind(self, kind: type, name: str) -> Any:
        """The value if it is of this Python type. Raises UserError otherwise."""
        value = self.value
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise UserError(f"this JSON value is no {name}: {self.text[:60]}")
        return value

    def field(self, path: Sequence[str]) -> "JSONValue":
        """What is at ``path``, names of object fields one below the other. Raises UserError when nothing is."""
        value = self.value
        for name in path:
            if not isinstance(value, dict) or name not in value:
                raise UserError(f"this JSON value has no field {'.'.join(path)}")
            value = value[name]
        return JSONValue.of(value)

    def with_field(self, path: Sequence[str], new: "JSONValue") -> "JSONValue":
        """With ``new`` at ``path``; objects on the way are made. Raises UserError where something else is."""
        if not path:
            return new
        root = self.value
        root = {} if root is None else root
        holder = root
        for name in path[:-1]:
            holder = holder.setdefault(name, {}) if isinstance(holder, dict) else None
        if not isinstance(holder, dict):
            raise UserError(f"the field {'.'.join(path)} cannot be set: what is above it is no object")
        holder[path[-1]] = new.value
        return JSONValue.of(root)
