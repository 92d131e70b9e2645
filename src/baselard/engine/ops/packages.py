"""Where a tree of unpacked Debian packages comes from."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from baselard.engine.images import packages
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output, Result, Value


@dataclass(frozen=True)
class Unpacked:
    """Debian packages, unpacked; output 0 is the tree. The key names suite, packages and platform."""

    wanted: packages.DebianPackages
    inputs: tuple[Output, ...] = ()
    cached: bool = True
    key: str = field(init=False)

    def __post_init__(self) -> None:
        wanted = self.wanted
        key = digest.of("packages.v1", wanted.suite, list(wanted.names), str(wanted.platform))
        object.__setattr__(self, "key", key)

    @property
    def label(self) -> str:
        return f"unpack {self.wanted}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str | None:  # noqa: ARG002
        return None

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:  # noqa: ARG002
        """Fetch and unpack them."""
        say = functools.partial(worker.progress.output, self.key)
        with worker.snapshots.draft(None) as draft, worker.store.temp_dir() as work:
            date = packages.unpack(draft.path, work, self.wanted, on_output=say)
            return Result((Value(digest.of("packages.tree.v1", self.key, date), draft.commit()),), {"date": date})
