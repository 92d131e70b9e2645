"""The proof that a publish attaches, and its signer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baselard.oci.reference import Reference
from pipeline import archive, push, spans
from pipeline.calls import Call
from pipeline.model import Case, Report
from pipeline.project import Base
from pipeline.proof import buildkit, proving
from pipeline.proof.provenance import Origin
from pipeline.proof.proving import Prover
from pipeline.proof.signers import Vouching
from pipeline.push import Uploaded
from pipeline.registry.client import AwaitedRepository, connect
from pipeline.registry.index import PlatformImage, Published
from pipeline.share import Account
from pipeline.tags.events import Event


@dataclass(frozen=True)
class ProofMaker:
    """The publisher of one event, the signer, and the report of the tests that it passed."""

    event: Event
    account: Account
    vouching: Vouching
    tested: Report
    style: Sequence[str]

    @property
    def inside(self) -> bool:
        """Whether indexes hold what is said about their images."""
        return buildkit.STYLE in self.style

    def prover(self, call: Call, repository: AwaitedRepository, where: Reference) -> Prover:
        origin = Origin(call.project.config.publish.source, self.event.ref, self.event.sha)
        return Prover(repository, where, self.vouching, origin, call)

    def vouched(self) -> Case:
        """A case that tells who vouches for what is attached."""
        return proving.about(self.vouching)

    async def proven(self, per_platform: Sequence[Call], base: Base, target: str, uploaded: Uploaded) -> Uploaded:
        """Attach what is said about each platform's image and about the index, which may hold the former."""
        where = uploaded.references[0]
        with spans.task("attach statements"):
            async with connect(where, await self.account.credentials()) as repository:
                prover = self.prover(per_platform[0], repository, where)
                images = [
                    await archive.identify(await one.images.base(base, target), one.platform) for one in per_platform
                ]
                said = [
                    await prover.image(one, base, target, image.digest, self.tested)
                    for one, image in zip(per_platform, images, strict=True)
                ]
                published = await self.attested(repository, images) if self.inside else uploaded.published
                said.append(await prover.index(published.digest, images))
        return replace(uploaded, published=published, proof=(*said, self.vouched()))

    async def attested(self, repository: AwaitedRepository, images: Sequence[PlatformImage]) -> Published:
        """An index of images with what is said about them, stored."""
        return await push.there(repository, await buildkit.put_index(repository, images, self.vouching.signer))


def maker(call: Call, event: Event, account: Account, who: Vouching, tested: Report) -> ProofMaker:
    """The maker of the proof of a publish whose tests are over."""
    return ProofMaker(event, account, who, tested, call.project.config.publish.attest_style)
