"""An image out of an archive: OCI layout or docker save."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from baselard.engine.files import reading, treehash
from baselard.engine.host import process
from baselard.engine.images import archive_layers, archive_read
from baselard.engine.ops.tree import snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output, Result, Value
from baselard.oci.platforms import Platform


@dataclass(frozen=True)
class Import:
    """The image in the archive at ``path`` of ``source``; output 0 is its root file system, ``data["config"]`` its
    configuration. ``tag`` names one of several."""

    source: Output
    path: str
    platform: Platform
    tag: str = ""
    cached: bool = True
    key: str = field(init=False)
    label: ClassVar[str] = "import image archive"

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self._key(self.source.key))

    @property
    def inputs(self) -> tuple[Output, ...]:
        return (self.source,)

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str | None:  # noqa: ARG002
        return self._key(inputs[0].digest)

    def _key(self, source: str) -> str:
        return digest.of("import.v1", source, self.path, str(self.platform), self.tag)

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Read it. Raises UserError for what is no image archive, and for anything in it that is broken or hostile."""
        say = functools.partial(worker.progress.output, self.key, process.STDERR)
        with worker.snapshots.view(snapshot_of(inputs[0])) as root:
            path = Path(reading.file(root, self.path))
            with archive_read.opened(path, worker.store) as archive:
                chosen = archive_read.choose(archive, self.platform, self.tag)
                if chosen.config.platform != self.platform:
                    say(f"the archive's image is for {chosen.config.platform}\n".encode())
                tree = archive_layers.unpack(worker.snapshots, archive, chosen)
        made = digest.of("image.v1", chosen.config.diff_ids) if tree else treehash.EMPTY
        return Result((Value(made, tree),), {"config": chosen.config.to_json()})
