"""An image as an archive, as a file in a tree: Container.asTarball."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from baselard.engine.images import archive_write, writing
from baselard.engine.images.writing import Format, Variant
from baselard.engine.ops.tree import from_nothing, one, snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import stamps
from baselard.oci.image_config import ImageConfig, Pairs

NAME = "container.tar"


@dataclass(frozen=True)
class LazyVariant:
    """One platform's container: its root file system, what is written about it, and ``Container.marks``."""

    rootfs: Output
    config: ImageConfig
    annotations: Pairs = ()
    marks: tuple[Output, ...] = digest.added_later(())

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (self.rootfs, *self.marks)

    def variant(self, values: Sequence[Value]) -> Variant:
        """With the values of ``outputs``."""
        tree, *marks = map(snapshot_of, values)
        return Variant(tree, self.config, self.annotations, tuple(marks))


@dataclass(frozen=True)
class Tarball:
    """A tree with one file, ``container.tar``: the OCI archive of the platforms' image, mode 0600."""

    platforms: tuple[LazyVariant, ...]
    form: Format
    cached: ClassVar[bool] = True
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest.of("tarball.v2", self.platforms, self.form))

    @property
    def inputs(self) -> tuple[Output, ...]:
        return tuple(output for platform in self.platforms for output in platform.outputs)

    @property
    def label(self) -> str:
        return "write " + ", ".join(str(platform.config.platform) for platform in self.platforms) + " as archive"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str:  # noqa: ARG002
        parts = [
            ([value.digest for value in values], platform.config, platform.annotations)
            for values, platform in self._with(inputs)
        ]
        return digest.of("tarball.content.v2", parts, self.form)

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Pack and write. Raises UserError when two platforms are the same."""
        variants = [platform.variant(values) for values, platform in self._with(inputs)]
        whole = writing.write(worker.store, variants, self.form)
        with from_nothing(worker) as draft:
            archive_write.write(worker.store, whole, draft.path / NAME)
            stamps.put(draft.path / NAME, stamps.FIXED)
            return one(self.content_key(worker, inputs), draft.commit())

    def _with(self, inputs: Sequence[Value]) -> list[tuple[list[Value], LazyVariant]]:
        rest = iter(inputs)
        return [(list(itertools.islice(rest, len(platform.outputs))), platform) for platform in self.platforms]
