"""How the base reaches an example: as an object, or over one of the ways that separate machines need."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import dagger
from dagger import dag

from baselard.oci.reference import Reference
from baselard.oci.registry.credential import Credential, as_password
from pipeline import archive, plaintext
from pipeline.clock import Clock
from pipeline.errors import BaselardError, UsageError
from pipeline.images import Build, title
from pipeline.model import Case, Phase, Suite, Verdict
from pipeline.project import Base
from pipeline.references import parse_reference
from pipeline.registry import ways
from pipeline.registry.client import connect
from pipeline.registry.contents import CREATED

WAYS = ("object", "registry", "archive", "rebuild")
_SHORT = len("sha256:") + 12  # characters of a digest that are shown, as docker does


@dataclass(frozen=True)
class Account:
    """Where test tags are pushed to, and as whom; the password never leaves its Secret on the engine's side."""

    repository: str = ""
    username: str = ""
    password: dagger.Secret | None = None

    async def login(self, container: dagger.Container) -> dagger.Container:
        """The container, able to pull from and push to the repository's registry."""
        if self.password is None:
            return container
        text = await plaintext.read(self.password, "--password")
        password = (
            self.password if text == as_password(text) else dag.set_secret("registry-password", as_password(text))
        )
        return container.with_registry_auth(parse_reference(self.repository).registry, self.username, password)

    async def credentials(self) -> Credential | None:
        """The same for this program's own requests."""
        if self.password is None:
            return None
        return Credential(self.username, as_password(await plaintext.read(self.password, "--password")))


@dataclass(frozen=True)
class Handed:
    """One base on its way: a reference with digest, an archive, or the wish to build it again.

    `digest` is that of the built image's own manifest, `bytes` and `seconds` what giving it away took.
    """

    share: str
    reference: str = ""
    archive: str = ""
    digest: str = ""
    bytes: int = 0
    seconds: float = 0.0
    file: dagger.File | None = None

    @property
    def entry(self) -> dict[str, str | int | float]:
        """How a list of bases names it."""
        named = {key: getattr(self, key) for key in ("share", "reference", "archive", "digest", "bytes", "seconds")}
        return {key: value for key, value in named.items() if value}


def check(way: str, account: Account) -> None:
    """Raise UsageError for a way that there is not, or that lacks something."""
    if way not in WAYS:
        raise UsageError(f"unknown way to share {way!r}; there are {', '.join(WAYS)}")
    if way == "registry" and not account.repository:
        raise UsageError("--share registry needs --registry REPOSITORY, where test tags may be pushed")


async def give(way: str, built: dagger.Container, account: Account, tag: str, clock: Clock) -> Handed:
    """The giving half, for one built base. A test tag has an annotation of its own, so nobody shares its digest."""
    identity = await archive.identify(built)
    start = clock.now()
    if way == "registry":
        pushed = await push_dated(built, account, tag)
        handed = Handed(way, reference=str(pushed), bytes=identity.size)
    elif way == "archive":
        file = await built.as_tarball().sync()
        handed = Handed(way, archive=f"{tag}.tar", bytes=await file.size(), file=file)
    else:
        handed = Handed(way)
    return replace(handed, digest=identity.digest, seconds=round(clock.now() - start, 3))


async def take(handed: Handed, build: Build, account: Account, platform: str = "") -> dagger.Container:
    """The taking half: the same base, evaluated."""
    empty = dag.container(platform=dagger.Platform(platform) if platform else None)
    if handed.file is not None:
        taken = empty.import_(handed.file)
    elif handed.reference:
        reference = parse_reference(handed.reference)
        signed_in = await replace(account, repository=reference.name).login(empty)
        taken = signed_in.from_(f"{reference.name}@{reference.digest}")
    else:
        taken = await build()
    return await taken.sync()


async def timed(name: str, handed: Handed, taking: Awaitable[dagger.Container], clock: Clock) -> Taken:
    """Take a base and say in a suite what the whole way took, and whether it is the very same base."""
    spans: list[Phase] = []
    with clock.span(f"take by {handed.share}", spans):
        container = await taking
    seconds = spans[0].end - spans[0].start
    digest = (await archive.identify(container)).digest
    told = f"{handed.bytes / 1e6:.1f} MB, given in {handed.seconds:.1f} s, taken in {seconds:.1f} s"
    said = f"{told}, {digest[:_SHORT]}"
    cases = [Case("handed over", Verdict.PASSED, seconds, said)]
    if handed.digest:
        same = digest == handed.digest
        message = "" if same else f"{handed.digest} was given"
        cases.append(Case("same digest", Verdict.PASSED if same else Verdict.FAILED, message=message))
    facts = {"bytes": handed.bytes, "digest": digest, "share": handed.share, "given": handed.seconds}
    return Taken(container, Suite(f"{name} by {handed.share}", tuple(cases), tuple(spans), properties=facts))


@dataclass(frozen=True)
class Taken:
    """A base on the other side, and what is reported of its way."""

    container: dagger.Container
    suite: Suite


@dataclass
class Sharing:
    """Both halves in one session, and what each hand-over took. `pushed` are references to be removed afterwards."""

    way: str
    tag: str
    clock: Clock
    account: Account
    suites: list[Suite] = field(default_factory=list)
    pushed: list[Reference] = field(default_factory=list)

    async def hand_over(self, base: Base, target: str, built: dagger.Container, build: Build) -> dagger.Container:
        """The base as examples receive it; what it took becomes a suite of the report."""
        handed = await give(self.way, built, self.account, f"{self.tag}-{len(self.suites)}", self.clock)
        if handed.reference:
            self.pushed.append(parse_reference(handed.reference))
        taken = await timed(title(base, target), handed, take(handed, build, self.account), self.clock)
        self.suites.append(taken.suite)
        return taken.container

    async def clean(self) -> None:
        """Delete what was pushed for this call only; that it did not work is a failed case of the report."""
        for reference in self.pushed:
            case = Case("removed", Verdict.PASSED)
            try:
                credential = await self.account.credentials()
                async with connect(reference, credential) as repository:
                    way = await ways.of(repository, reference, credential)
                    await way.delete(reference.digest, [reference.tag])
            except BaselardError as error:
                case = Case("removed", Verdict.FAILED, message=str(error))
            self.suites.append(Suite(f"test tag {reference.tag}", (case,)))


def choose(way: str, account: Account, tag: str, clock: Clock) -> Sharing | None:
    """The way of this name; None for `object`, where nothing is handed over. UsageError when it cannot work."""
    check(way, account)
    return None if way == "object" else Sharing(way, tag, clock, account)


async def push_dated(built: dagger.Container, account: Account, tag: str, now: datetime | None = None) -> Reference:
    """The same with an annotation that tells a later cleanup how old it is, and no other image has."""
    moment = (now or datetime.now(UTC)).isoformat()
    return await push(built.with_annotation(CREATED, moment), account, tag)


async def push(built: dagger.Container, account: Account, tag: str) -> Reference:
    """The giving half: push under a test tag; the reference with its digest."""
    where = parse_reference(account.repository)
    return await publish(built, account, Reference(where.registry, where.repository, tag))


async def publish(
    image: dagger.Container, account: Account, target: Reference, variants: Sequence[dagger.Container] = ()
) -> Reference:
    """Push as this account; the reference with its digest. BaselardError, in the engine's words, when it refuses."""
    try:
        signed_in = await account.login(image)
        return parse_reference(await signed_in.publish(str(target), platform_variants=list(variants)))
    except dagger.QueryError as error:
        raise BaselardError(str(error)) from error
