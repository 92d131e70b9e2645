"""The proof of what a publish put into the registry: made for each platform's image, then for the index over them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

from baselard.oci.reference import Reference
from baselard.oci.together import each
from pipeline import marks
from pipeline.calls import Call
from pipeline.errors import BaselardError
from pipeline.model import Case, Report, Verdict
from pipeline.project import Base
from pipeline.proof import attaching, fetched, provenance, results, sbom, simple
from pipeline.proof.attaching import held, lacking
from pipeline.proof.evidence import Described
from pipeline.proof.provenance import BuildRecipe, BuildRun, Material, Origin
from pipeline.proof.signers import Vouching
from pipeline.proof.signing import KeySigner
from pipeline.proof.statement import PROVENANCE, SIGNATURE, TEST_RESULT, Statement, kind
from pipeline.registry.client import AwaitedRepository
from pipeline.registry.index import PlatformImage
from pipeline.report import record

Predicate: TypeAlias = Callable[[], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True)
class Prover:
    """Who makes statements about one target: to which repository, as whom, about which commit and run."""

    repository: AwaitedRepository
    where: Reference
    vouching: Vouching
    origin: Origin
    call: Call

    async def image(self, call: Call, base: Base, target: str, digest: str, report: Report) -> Case:
        """Attach what is said about one platform's image; a case that tells what became of it."""

        async def tested() -> dict[str, Any]:
            suites = results.about(report, call.project, base, target, call.platform)
            paths = list(dict.fromkeys(path for one in suites for path in one.files))
            texts = await each(paths, lambda path: call.project.source.file(path).contents())
            return results.predicate(suites, dict(zip(paths, texts, strict=True)), record.render(report).encode())

        image = await call.images.base(base, target)
        made = partial(provenance_of, call, base, target, self.origin)
        lists = sbom.predicates(image, call.project.config.publish.sbom, self.where.name)
        return await self.attach(call.platform, digest, {PROVENANCE: made, TEST_RESULT: tested, **lists})

    async def index(self, digest: str, images: Sequence[PlatformImage]) -> Case:
        """Attach what is said about an index, from what is said about its images."""
        judged = [await held(self.repository, one.digest, self.vouching.signer) for one in images]

        async def made() -> dict[str, Any]:
            children = [Material(one.platform, digest=one.digest) for one in images]
            return provenance.of_index(self.origin, children, _run(self.call))

        async def tested() -> dict[str, Any] | None:
            parts = [one.of("test-result")[0].predicate for one in judged if one.of("test-result")]
            return results.joined(parts) if len(parts) == len(images) else None

        return await self.attach("index", digest, {PROVENANCE: made, TEST_RESULT: tested})

    async def attach(self, name: str, digest: str, predicates: dict[str, Predicate]) -> Case:
        """Make and attach what nothing says yet about one image or index; a case that tells what became of it."""
        answer = await self.repository.manifest(digest)
        if answer is None:
            raise BaselardError(f"{self.where.name}@{digest} was there, but is gone")
        subject = Described(digest, answer.media_type, len(answer.body))
        signer = self.vouching.signer
        wanted = {**predicates, **({SIGNATURE: nothing} if signer else {})}
        missing = lacking(await held(self.repository, digest, signer), wanted)
        made = [(one, await wanted[one]()) for one in missing]
        statements = [Statement(self.where.name, digest, one, said) for one, said in made if said is not None]
        await attaching.attach(self.repository, subject, statements, signer)
        if simple.STYLE in self.call.project.config.publish.attest_style and isinstance(signer, KeySigner):
            await simple.sign(self.repository, self.where.name, digest, signer)
        return Case(name, Verdict.NOTED, message=_said(statements, [one for one, said in made if said is None]))


async def provenance_of(call: Call, base: Base, target: str, origin: Origin) -> dict[str, Any]:
    """Where one platform's image comes from."""
    recipe = BuildRecipe(base.dockerfile, base.context, target, call.platform, base.settings.build_args)
    return provenance.of_image(origin, recipe, await _materials(call, base, target), _run(call))


def _run(call: Call) -> BuildRun:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return BuildRun(call.options.nonce, call.clock.started, now)


async def nothing() -> dict[str, Any]:
    """cosign's signature says nothing besides its subject."""
    return {}


def _said(attached: Sequence[Statement], unknown: Sequence[str]) -> str:
    said = f"attached {', '.join(one.kind for one in attached)}" if attached else "nothing to attach"
    lost = ", ".join(kind(one) for one in unknown)
    return f"{said}; no {lost}, since not every platform's image has one that holds" if lost else said


def about(vouching: Vouching) -> Case:
    """Who vouches for the statements, as a case of the report."""
    if vouching.signer:
        return Case("signed", Verdict.NOTED, message=vouching.signer.told)
    return Case("not signed", Verdict.NOTED, message=f"{vouching.reason}, so nobody vouches for these statements")


async def _materials(call: Call, base: Base, target: str) -> list[Material]:
    """The Dockerfile, every image from outside that one of its stages starts or copies from, and what it fetched."""
    text = await call.project.source.file(base.dockerfile).contents()
    found = [provenance.file(base.dockerfile, text.encode())]
    for one in await marks.origins(call.images, call.project, base, text):
        note = "made here from Debian's archive, since no registry could be reached" if one.bootstrapped else ""
        found.append(Material(one.name, provenance.image_uri(one.name, call.platform), one.digest, note))
    return [*found, *await fetched.materials(call.images.fetched[base.title(target)])]
