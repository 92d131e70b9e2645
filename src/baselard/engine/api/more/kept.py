"""Objects that outlive their session: what a client got an ID of, another session of this store can load by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from baselard.engine.solver import digest
from baselard.engine.solver.graph import Result
from baselard.engine.store.database import Store


@dataclass(frozen=True)
class SharedObjects:
    """What sessions on one store know of each other's directories, files, containers and cache volumes.

    ``_new`` are those that are not in the store yet, by key.
    """

    store: Store
    _new: dict[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)

    def keep(self, given: str, value: object) -> None:
        """Have ``find`` know the object behind the ID ``given``, if it is of a kind that needs no session."""
        from baselard.engine.api.more import written

        if data := written.write(value):
            self._new[_key(given)] = data

    def settle(self) -> None:
        """Put what is new into the store, in one transaction however much it is."""
        if not self._new:
            return
        with self.store.transaction():
            for key, data in self._new.items():
                if not self.store.lookup(key):
                    self.store.record([key], Result((), data))
        self._new.clear()

    def find(self, given: str) -> object | None:
        """The object that an ID of any session on this store stands for; None where none was kept."""
        from baselard.engine.api.more import written

        known = self.store.lookup(_key(given))
        return written.read(known.data) if known else None


def _key(given: str) -> str:
    return digest.of("kept.v1", given)
