"""Results of functions, kept for a while as a real engine keeps them: a week, or what the function says.

Only plain values are kept. What holds an object's ID belongs to its session; the objects themselves are found again by
their nodes' keys.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from baselard.engine.api.objects.durations import parse
from baselard.engine.api.objects.typedef import Function
from baselard.engine.api.query.ids import Ids
from baselard.engine.modules.source import PythonModule
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Result
from baselard.engine.store.database import Store
from baselard.oci.text import JSON

WEEK = 7 * 24 * 3600.0


@dataclass(frozen=True)
class Memory:
    """The kept results of one module's functions, in the store, as far as one session may use them."""

    store: Store
    ids: Ids
    source: PythonModule

    def key(self, type_name: str, function: Function, state: JSON, args: Mapping[str, JSON]) -> str:
        """The key that the result is kept under; empty when it must not be kept."""
        if function.cache_policy != "Default" or self._holds_id([state, dict(args)]):
            return ""
        return digest.of("function.v1", self.source.digest, type_name, function.name, state, dict(args))

    def recall(self, key: str) -> tuple[JSON] | None:
        """The kept value, in a tuple since it may be null; None when there is none or it is too old."""
        known = self.store.lookup(key) if key else None
        if known is None or known.data["expires"] < time.time():
            return None
        return (known.data["value"],)

    def keep(self, key: str, function: Function, value: JSON) -> None:
        """Keep a value, unless it holds an ID."""
        if key and not self._holds_id(value):
            lasts = parse(function.time_to_live) / 1e9 if function.time_to_live else WEEK
            self.store.record([key], Result((), {"value": value, "expires": time.time() + lasts}))

    def _holds_id(self, value: JSON) -> bool:
        if isinstance(value, dict):
            return any(map(self._holds_id, value.values()))
        if isinstance(value, list):
            return any(map(self._holds_id, value))
        return isinstance(value, str) and value in self.ids.objects
