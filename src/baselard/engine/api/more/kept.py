"""Objects that outlive their session: what a client got an ID of, another session of this store can load by it."""

from dataclasses import dataclass

from baselard.engine.solver import digest
from baselard.engine.solver.graph import Result
from baselard.engine.store.database import Store


@dataclass(frozen=True)
class SharedObjects:
    """What sessions on one store know of each other's directories, files, containers and cache volumes."""

    store: Store

    def keep(self, given: str, value: object) -> None:
        """Have ``find`` know the object behind the ID ``given``, if it is of a kind that needs no session."""
        from baselard.engine.api.more import written

        key = _key(given)
        if not self.store.lookup(key) and (data := written.write(value)):
            self.store.record([key], Result((), data))

    def find(self, given: str) -> object | None:
        """The object that an ID of any session on this store stands for; None where none was kept."""
        from baselard.engine.api.more import written

        known = self.store.lookup(_key(given))
        return written.read(known.data) if known else None


def _key(given: str) -> str:
    return digest.of("kept.v1", given)
