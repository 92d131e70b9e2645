"""An image out of an archive: OCI layout or docker save."""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from baselard.engine.files import reading, treehash
from baselard.engine.host import process
from baselard.engine.images import archive_layers, archive_read
from baselard.engine.ops.host import HostDirectory
from baselard.engine.ops.tree import snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output, Result, Value
from baselard.oci.platforms import Platform


@dataclass(frozen=True)
class Import:
    """The image in the archive at ``path`` of ``source``; output 0 is its root file system, ``data["config"]`` its
    configuration. ``tag`` names one of several. A large archive of this machine is read where it lies."""

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
        return () if _uncopied(self.source) else (self.source,)

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str | None:  # noqa: ARG002
        node = _uncopied(self.source)
        return self._key(node.digest if node else inputs[0].digest)

    def _key(self, source: str) -> str:
        return digest.of("import.v1", source, self.path, str(self.platform), self.tag)

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Read it. Raises UserError for what is no image archive, and for anything in it that is broken or hostile."""
        say = functools.partial(worker.progress.output, self.key, process.STDERR)
        with self._root(worker, inputs) as root, archive_read.opened(_file(root, self.path), worker.store) as archive:
            chosen = archive_read.choose(archive, self.platform, self.tag)
            if chosen.config.platform != self.platform:
                say(f"the archive's image is for {chosen.config.platform}\n".encode())
            tree = archive_layers.unpack(worker.snapshots, archive, chosen)
        made = digest.of("image.v1", chosen.config.diff_ids) if tree else treehash.EMPTY
        return Result((Value(made, tree),), {"config": chosen.config.to_json()})

    @contextlib.contextmanager
    def _root(self, worker: Worker, inputs: Sequence[Value]) -> Iterator[Path]:
        if node := _uncopied(self.source):
            with node.in_place(worker) as place:
                yield Path(place)
            return
        with worker.snapshots.view(snapshot_of(inputs[0])) as root:
            yield root


def _file(root: Path, path: str) -> Path:
    return Path(reading.file(root, path))


def _uncopied(source: Output) -> HostDirectory | None:
    """The large file of this machine that ``source`` is, if it is one."""
    return source.node if isinstance(source.node, HostDirectory) and source.node.stamps else None
