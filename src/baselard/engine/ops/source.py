"""Where a container's root file system comes from: an image of a registry, Debian made here when none is reached, or
Debian packages that are unpacked."""

import asyncio
import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from baselard.engine.errors import HostError, RegistryUnreachedError
from baselard.engine.files import treehash
from baselard.engine.host import process
from baselard.engine.images import bootstrap, packages, pull, reference, registries
from baselard.engine.ops.packages import Unpacked
from baselard.engine.progress import steps
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import layer_index
from baselard.engine.store.layer_index import Layer
from baselard.oci.image_config import ImageConfig
from baselard.oci.platforms import Platform
from baselard.oci.reference import Reference


@dataclass(frozen=True)
class Bootstrap:
    """Debian made from its archive; output 0 is the root file system.

    The key names suite, variant and platform alone: mirrors and dates stay out, as a tag's do.
    """

    recipe: bootstrap.Recipe
    why: str = field(compare=False, default="")
    inputs: tuple[Output, ...] = ()
    cached: bool = True
    key: str = field(init=False)

    def __post_init__(self) -> None:
        recipe = self.recipe
        object.__setattr__(self, "key", digest.of("bootstrap.v1", recipe.suite, recipe.slim, str(recipe.platform)))

    @property
    def label(self) -> str:
        return f"bootstrap {self.recipe}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str | None:  # noqa: ARG002
        return None

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:  # noqa: ARG002
        """Make it with mmdebstrap, loudly."""
        say = functools.partial(worker.progress.output, self.key)
        say(2, _loud(self.recipe, self.why))
        with worker.snapshots.draft(None) as draft:
            date = bootstrap.debian(draft.path, self.recipe, on_output=say)
            made = digest.of("bootstrap.tree.v3", self.key, date)
            tree = draft.commit()
        layer_index.record_bootstrapped(worker.store, str(self.recipe), tree)
        return Result((Value(made, tree),), {"bootstrapped": str(self.recipe), "date": date})


@dataclass(frozen=True)
class Image:
    """An image of a registry, by digest; output 0 is its root file system."""

    image: pull.Resolved
    inputs: tuple[Output, ...] = ()
    cached: bool = True
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest.of("image.v1", self.image.config.diff_ids))

    @property
    def label(self) -> str:
        return f"pull {self.image.reference}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str | None:  # noqa: ARG002
        return None

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:  # noqa: ARG002
        """Download what the store lacks, and unpack it."""
        tree = pull.pull(worker.snapshots, worker.registry, self.image, _say(worker, self.key))
        return Result((Value(self.key if tree else treehash.EMPTY, tree),))


@dataclass(frozen=True)
class Source:
    """The image of an address. ``reference`` carries the digest, except for an image that was made here."""

    reference: Reference
    config: ImageConfig
    rootfs: Output


async def find(worker: Worker, address: str, platform: Platform) -> Source:
    """The image at ``address`` for ``platform``.

    The registry is asked once in a session. Where it cannot be reached, what the tag was last time serves, or an
    official Debian image is made from the archive. Raises UserError for a bad reference or one the registry does not
    have, HostError when the registry cannot be reached and nothing can stand in.
    """
    wanted = reference.parse(address)
    under_way = worker.registry.resolutions
    task = under_way.get((wanted, platform))
    if task is None or (task.done() and (task.cancelled() or task.exception())):
        task = under_way[(wanted, platform)] = asyncio.create_task(_find(worker, wanted, platform))
    return cast(Source, await asyncio.shield(task))


async def _find(worker: Worker, wanted: Reference, platform: Platform) -> Source:
    if packed := packages.asked_for(wanted, platform):
        return Source(wanted, ImageConfig(platform), Output(Unpacked(packed)))
    key = _key(wanted, platform)
    if wanted.digest and (known := worker.store.lookup(key)):
        return _pulled(_recalled(known))
    trouble = "" if registries.has_mirror(wanted) else await worker.registry.trouble(wanted)
    if not trouble:
        try:
            with steps.step(worker.progress, key, f"resolve {wanted}") as say:
                found = await asyncio.to_thread(pull.resolve, worker.registry, wanted, platform, say)
        except RegistryUnreachedError as error:
            trouble = str(error)
        else:
            worker.store.record([key, _key(found.reference, platform)], _noted(found))
            return _pulled(found)
    return _stand_in(worker, wanted, platform, trouble)


def _stand_in(worker: Worker, wanted: Reference, platform: Platform, trouble: str) -> Source:
    """The image that serves while the registry cannot be reached."""
    key = _key(wanted, platform)
    why = f"the registry {wanted.registry} cannot be reached ({trouble})"
    if known := worker.store.lookup(key):
        found = _recalled(known)
        with steps.step(worker.progress, key, f"resolve {wanted}") as say:
            say(f"WARNING: {why}; {wanted} is taken as it was last time, {found.reference.digest}")
        return _pulled(found)
    recipe = bootstrap.recipe(wanted, platform)
    if recipe is None:
        raise HostError(
            f"{wanted}: {why}, and nothing can stand in for it: only debian:SUITE and debian:SUITE-slim can be made "
            "from the Debian archive. Check the network and proxy, or bring the image as an archive (Container.import)."
        )
    return Source(wanted, recipe.config, Output(Bootstrap(recipe, why)))


def _key(wanted: Reference, platform: Platform) -> str:
    """Under what the store remembers a resolution; beside a digest a tag says nothing."""
    return digest.of("resolved.v1", wanted.name, wanted.digest or wanted.tag, str(platform))


def _pulled(found: pull.Resolved) -> Source:
    return Source(found.reference, found.config, Output(Image(found)))


def _noted(found: pull.Resolved) -> Result:
    layers = [dataclasses.astuple(layer) for layer in found.layers]
    return Result((), {"reference": str(found.reference), "config": found.config.to_json(), "layers": layers})


def _recalled(noted: Result) -> pull.Resolved:
    config = ImageConfig.from_json(noted.data["config"])
    layers = tuple(Layer(*layer) for layer in noted.data["layers"])
    return pull.Resolved(reference.parse(noted.data["reference"]), config, layers)


def _say(worker: Worker, key: str) -> Callable[[str], None]:
    return lambda line: worker.progress.output(key, process.STDERR, f"{line}\n".encode())


def _loud(recipe: bootstrap.Recipe, why: str) -> bytes:
    return (
        f"WARNING: {why}.\nWARNING: {recipe} is being made from the Debian archive instead. It is built as the "
        "official image is, but it is not that image: its digest differs.\n"
    ).encode()
