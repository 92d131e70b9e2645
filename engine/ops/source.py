"""Where a container's root file system comes from: an image of a registry, or Debian made here when none is reached."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import bootstrap, digest, reference
from engine.errors import HostError
from engine.graph import Output, Result, Value
from engine.image import ImageConfig
from engine.platforms import Platform
from engine.worker import Worker


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
        return f"bootstrap {self.recipe}: {self.why}"

    def content_key(self, worker: Any, inputs: Sequence[Value]) -> str | None:  # noqa: ARG002
        return None

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:  # noqa: ARG002
        """Make it with mmdebstrap, loudly."""
        say = functools.partial(worker.progress.output, self.key)
        say(2, _loud(self.recipe, self.why))
        with worker.snapshots.draft(None) as draft:
            date = bootstrap.debian(draft.path, self.recipe, on_output=say)
            made = digest.of("bootstrap.tree.v1", self.key, date)
            return Result((Value(made, draft.commit()),), {"bootstrapped": str(self.recipe), "date": date})


async def resolve(worker: Worker, address: str, platform: Platform) -> tuple[ImageConfig, Output]:
    """The configuration and the root file system of the image at ``address``, for ``platform``.

    Asks the registry (a tag once in a session); where it cannot be reached, an official Debian image is made from the
    archive instead. Raises UserError for a bad reference or one the registry does not have, HostError when the
    registry cannot be reached and nothing can stand in.
    """
    wanted = reference.parse(address)
    trouble = await worker.registry.trouble(wanted)
    if not trouble:
        raise HostError("pulling comes next")
    recipe = bootstrap.recipe(wanted, platform)
    if recipe is None:
        raise HostError(f"{wanted}: the registry {wanted.registry} cannot be reached: {trouble}")
    return recipe.config, Output(Bootstrap(recipe, f"the registry {wanted.registry} cannot be reached ({trouble})"))


def _loud(recipe: bootstrap.Recipe, why: str) -> bytes:
    return (
        f"WARNING: {why}.\nWARNING: {recipe} is being made from the Debian archive instead. It is built as the "
        "official image is, but it is not that image: its digest differs.\n"
    ).encode()
