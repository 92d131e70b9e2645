"""Services that the engine itself asks, for a download or a repository."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from baselard.engine.run.containers.command import Binding, BoundService
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Value


@contextlib.contextmanager
def asked(worker: Worker, service: BoundService | None, values: Sequence[Value]) -> Iterator[Mapping[str, str]]:
    """Addresses by the names of the session's services that are up; ``service`` is, inside the block.

    ``values`` are those of its inputs. The addresses are met where ``worker.network.inside`` goes: a plain user's
    lead to somebody else from here.
    """
    bindings = [Binding("", service)] if service else []
    needed = {output.key: value for output, value in zip(service.inputs if service else (), values, strict=True)}
    with worker.services.bound(worker, bindings, needed) as names:
        yield {name: address for name, address in names.items() if name}
