"""Results of functions, kept for a while as a real engine keeps them: a week, or what the function says.

A call and its value are kept that are plain, or hold no objects but files of the host that the call was given: the ID
of these is of their content alone. Any other object's belongs to its session; the objects themselves are found again
by their nodes' keys.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.objects.durations import parse
from baselard.engine.api.objects.typedef import Function
from baselard.engine.api.query.ids import Ids
from baselard.engine.modules.source import PythonModule
from baselard.engine.ops.host import HostDirectory
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Result
from baselard.engine.store.database import Store
from baselard.oci.text import JSON

WEEK = 7 * 24 * 3600.0


@dataclass(frozen=True)
class Memory:
    """The kept results of one module's functions, in the store, as far as one session may use them.

    ``environ`` are the variables that the functions see.
    """

    store: Store
    ids: Ids
    source: PythonModule
    environ: Mapping[str, str] = field(default_factory=dict)

    def key(self, type_name: str, function: Function, state: JSON, args: Mapping[str, JSON]) -> str:
        """The key that the result is kept under; empty when it must not be kept."""
        call = [state, dict(args)]
        if function.cache_policy != "Default" or not all(map(self._is_content, self._ids(call))):
            return ""
        seen = dict(self.environ)
        return digest.of("function.v2", self.source.digest, seen, type_name, function.name, *call)

    def recall(self, key: str) -> tuple[JSON] | None:
        """The kept value, in a tuple since it may be null; None when there is none or it is too old."""
        known = self.store.lookup(key) if key else None
        if known is None or known.data["expires"] < time.time():
            return None
        return (known.data["value"],)

    def keep(self, key: str, function: Function, value: JSON, given: JSON = None) -> None:
        """Keep a value, unless it holds an ID that was not ``given`` with the call."""
        if key and {*self._ids(value)} <= {*self._ids(given)}:
            lasts = parse(function.time_to_live) / 1e9 if function.time_to_live else WEEK
            self.store.record([key], Result((), {"value": value, "expires": time.time() + lasts}))

    def _ids(self, value: JSON) -> Iterator[str]:
        """The IDs in a value."""
        if isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                yield from self._ids(item)
        elif isinstance(value, str) and value in self.ids.objects:
            yield value

    def _is_content(self, given: str) -> bool:
        """Whether an ID is of files of the host, which stand for what they held."""
        found = self.ids.objects[given]
        return isinstance(found, Directory | File) and isinstance(found.output.node, HostDirectory)
