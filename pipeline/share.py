"""How the base reaches an example: as an object, or over one of the ways that separate machines need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeAlias

import dagger
from dagger import dag

from distribution.credential import Credential
from distribution.reference import Reference
from pipeline import archive
from pipeline.clock import Clock
from pipeline.discover import Base
from pipeline.errors import BaselardError, UsageError
from pipeline.images import Build, title
from pipeline.model import Case, Span, Suite, Verdict
from pipeline.references import parse
from pipeline.registry.client import connect
from pipeline.registry.contents import CREATED

WAYS = ("object", "registry", "archive", "rebuild")

# A way gets the built base and how to build it once more; it gives the container that examples start from.
Way: TypeAlias = Callable[[dagger.Container, Build], Awaitable["Taken"]]


@dataclass(frozen=True)
class Account:
    """Where test tags are pushed to, and as whom; the password never leaves its Secret on the engine's side."""

    repository: str = ""
    username: str = ""
    password: dagger.Secret | None = None

    def login(self, container: dagger.Container) -> dagger.Container:
        """The container, able to pull from and push to the repository's registry."""
        if self.password is None:
            return container
        return container.with_registry_auth(parse(self.repository).registry, self.username, self.password)

    async def credentials(self) -> Credential | None:
        """The same for this program's own requests."""
        if self.password is None:
            return None
        return Credential(self.username, await self.password.plaintext())


@dataclass(frozen=True)
class Taken:
    """The base on the other side: its container, its manifest's digest and how many bytes were handed over."""

    container: dagger.Container
    digest: str = ""
    bytes: int = 0


@dataclass
class Sharing:
    """One way, and what each hand-over took. `pushed` are references to be removed afterwards."""

    name: str
    way: Way
    clock: Clock
    account: Account
    suites: list[Suite] = field(default_factory=list)
    pushed: list[Reference] = field(default_factory=list)

    async def hand_over(self, base: Base, target: str, built: dagger.Container, build: Build) -> dagger.Container:
        """The base as examples receive it; what it took becomes a suite of the report."""
        spans: list[Span] = []
        with self.clock.span(f"share by {self.name}", spans):
            taken = await self.way(built, build)
            container = await taken.container.sync()
        seconds = spans[0].end - spans[0].start
        message = f"{taken.bytes} bytes in {seconds:.2f} s; {taken.digest}"
        case = Case("handed over", Verdict.NOTED, seconds, message)
        facts = {"bytes": taken.bytes, "digest": taken.digest, "share": self.name}
        self.suites.append(Suite(f"{title(base, target)} by {self.name}", (case,), tuple(spans), properties=facts))
        return container

    async def clean(self) -> None:
        """Delete what was pushed for this call only; that it did not work is a failed case of the report."""
        for reference in self.pushed:
            case = Case("removed", Verdict.PASSED)
            try:
                async with connect(reference, await self.account.credentials()) as repository:
                    await repository.delete(reference.digest)
            except BaselardError as error:
                case = Case("removed", Verdict.FAILED, message=str(error))
            self.suites.append(Suite(f"test tag {reference.tag}", (case,)))


def choose(name: str, account: Account, tag: str, clock: Clock) -> Sharing | None:
    """The way of this name; None for `object`, where nothing is handed over. UsageError when it cannot work."""
    if name not in WAYS:
        raise UsageError(f"unknown way to share {name!r}; there are {', '.join(WAYS)}")
    if name == "object":
        return None
    if name == "registry" and not account.repository:
        raise UsageError("--share registry needs --registry REPOSITORY, where test tags may be pushed")
    pushed: list[Reference] = []
    ways = {"registry": _by_registry(account, tag, pushed), "archive": _by_archive, "rebuild": _by_rebuild}
    return Sharing(name, ways[name], clock, account, pushed=pushed)


async def _by_archive(built: dagger.Container, _build: Build) -> Taken:
    tarball = built.as_tarball()
    size, read = await tarball.size(), await archive.read(built)
    return Taken(dag.container().import_(tarball), read.digest, size)


async def _by_rebuild(_built: dagger.Container, build: Build) -> Taken:
    """The same instructions once more: what is cached costs nothing, what is not is built again."""
    again = await build()
    return Taken(again, (await archive.read(again)).digest)


def _by_registry(account: Account, tag: str, pushed: list[Reference]) -> Way:
    async def way(built: dagger.Container, _build: Build) -> Taken:
        reference = await push(built, account, f"{tag}-{len(pushed)}")
        pushed.append(reference)
        taken = account.login(dag.container()).from_(str(replace(reference, tag="")))
        return Taken(taken, reference.digest, (await archive.read(built)).compressed)

    return way


async def push_dated(built: dagger.Container, account: Account, tag: str, now: datetime | None = None) -> Reference:
    """The same for a tag that outlives the call: the annotation tells a later cleanup how old it is."""
    moment = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    return await push(built.with_annotation(CREATED, moment), account, tag)


async def push(built: dagger.Container, account: Account, tag: str) -> Reference:
    """The giving half: push under a test tag; the reference with its digest."""
    where = parse(account.repository)
    said = await account.login(built).publish(str(Reference(where.registry, where.repository, tag)))
    return parse(said)
