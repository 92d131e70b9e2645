"""Which of the statements about an image hold, and why others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.proof import signing, statement
from pipeline.proof.bundle import SignedStatement
from pipeline.proof.evidence import Evidence
from pipeline.proof.keys import PublicKey
from pipeline.proof.statement import Statement


@dataclass(frozen=True)
class Judged:
    """Statements that hold, and for each other one a sentence on what is wrong with it.

    ``signed`` says whether those that hold were signed by a trusted key.
    """

    statements: tuple[Statement, ...]
    problems: tuple[str, ...]
    signed: bool = False

    def of(self, kind: str) -> list[Statement]:
        """The statements of one kind."""
        return [one for one in self.statements if one.kind == kind]


async def judge(found: Sequence[Evidence], about: str, trusted: Sequence[PublicKey]) -> Judged:
    """Judge statements about the image ``about``. Without a trusted key anybody's word is taken."""
    bundles = [one.signed for one in found if one.signed]
    fits = await signing.fitting(trusted, bundles) if trusted and bundles else [False] * len(bundles)
    good = {id(one) for one, fit in zip(bundles, fits, strict=True) if fit}
    held, problems = [], []
    for one in found:
        problem = one.problem or (_signature(one.signed, trusted, fits=id(one.signed) in good) if trusted else "")
        try:
            made = statement.read(one.payload, about) if not one.problem else None
        except ValueError as error:
            made, problem = None, problem or str(error)
        if made and not problem:
            held.append(made)
        else:
            problems.append(f"{made.kind if made else 'statement'} {one.digest[:19]}: {problem}")
    return Judged(tuple(held), tuple(problems), bool(trusted))


def _signature(signed: SignedStatement | None, trusted: Sequence[PublicKey], *, fits: bool) -> str:
    """What is wrong with a signature; nothing when it fits."""
    if signed is None:
        return "it is not signed"
    if fits:
        return ""
    if signed.key and signed.key not in {one.name for one in trusted}:
        return f"it is signed by the key {signed.key[:12]}, which is not trusted here"
    return "its signature does not fit: the statement or the signature was changed"
