"""Ways to take images out of a repository. The registry's own API is one; where it refuses, its owner has another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from pipeline.registry.client import AwaitedRepository, awaited
from pipeline.registry.untag import untag


class Removal(Protocol):
    """One way. `keeper` is who keeps what it does not let go, `kept` tells of that, and why."""

    @property
    def keeper(self) -> str: ...

    @property
    def kept(self) -> Sequence[str]: ...

    async def delete(self, digest: str, tags: Sequence[str]) -> None:
        """Remove a manifest with these tags, which are all that it has."""
        ...

    async def untag(self, tag: str) -> None:
        """Remove a name from a manifest that has others."""
        ...

    async def untagged(self) -> Sequence[str]:
        """The digests of manifests without a tag, as far as this way can list them."""
        ...


@dataclass(frozen=True)
class ByRegistry:
    """The distribution API. It lists no manifest that has no tag."""

    repository: AwaitedRepository
    keeper: str = "the registry"
    kept: Sequence[str] = ()

    async def delete(self, digest: str, _tags: Sequence[str]) -> None:
        await self.repository.delete(digest)

    async def untag(self, tag: str) -> None:
        await untag(self.repository, tag)

    async def untagged(self) -> Sequence[str]:
        return ()


class NamesApi(Protocol):
    """An API that takes away nothing but names."""

    def delete(self, tag: str) -> str:
        """Remove a tag; why it is kept, empty when it has gone or was not there. Raises DistributionError."""
        ...


@dataclass(frozen=True)
class ByName:
    """Names alone are taken away: what has none left, the registry's own collection removes, children with it."""

    api: NamesApi
    keeper: str
    kept: list[str] = field(default_factory=list)

    async def delete(self, _digest: str, tags: Sequence[str]) -> None:
        for tag in tags:
            await self.untag(tag)

    async def untag(self, tag: str) -> None:
        if reason := await awaited(partial(self.api.delete, tag)):
            self.kept.append(f"{tag}: {reason}")

    async def untagged(self) -> Sequence[str]:
        return ()
