"""Which of the statements about an image hold, and why others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.proof import keyless, signing, statement
from pipeline.proof.bundle import SignedStatement
from pipeline.proof.evidence import Evidence
from pipeline.proof.statement import Statement
from pipeline.proof.trust import Trust


@dataclass(frozen=True)
class Judged:
    """Statements that hold, and for each other one a sentence on what is wrong with it.

    ``signed`` says whether those that hold were signed by somebody who is trusted.
    """

    statements: tuple[Statement, ...]
    problems: tuple[str, ...]
    signed: bool = False

    def of(self, kind: str) -> list[Statement]:
        """The statements of one kind."""
        return [one for one in self.statements if one.kind == kind]


async def judge(found: Sequence[Evidence], about: str, trusted: Trust) -> Judged:
    """Judge statements about the image ``about``."""
    wrong = await _signatures(found, trusted) if trusted else {}
    held, problems = [], []
    for one in found:
        problem = one.problem or wrong.get(one.digest, "")
        try:
            made = statement.read(one.payload, about) if not one.problem else None
        except ValueError as error:
            made, problem = None, problem or str(error)
        if made and not problem:
            held.append(made)
        else:
            problems.append(f"{made.kind if made else 'statement'} {one.digest[:19]}: {problem}")
    return Judged(tuple(held), tuple(problems), bool(trusted))


async def _signatures(found: Sequence[Evidence], trusted: Trust) -> dict[str, str]:
    """The fault of each signature, by the referrer's digest; empty where it is by whom one trusts."""
    certified = {one.digest: one.signed for one in found if one.signed and one.signed.certified}
    by_key = {one.digest: one.signed for one in found if one.signed and not one.signed.certified}
    fits = await signing.fitting(trusted.keys, [one.claim for one in by_key.values()]) if by_key else []
    wrong = {one.digest: "" if one.problem else "it is not signed" for one in found}
    for (digest, signed), fit in zip(by_key.items(), fits, strict=True):
        wrong[digest] = "" if fit else _misfit(signed, trusted)
    if certified and trusted.identity is None:
        return wrong | dict.fromkeys(certified, "it is signed with a certificate, but keys alone are trusted here")
    if certified and trusted.identity:
        said = await keyless.problems(trusted.identity, list(certified.values()))
        wrong |= dict(zip(certified, said, strict=True))
    return wrong


def _misfit(signed: SignedStatement, trusted: Trust) -> str:
    if signed.key and signed.key not in {one.name for one in trusted.keys}:
        return f"it is signed by the key {signed.key[:12]}, which is not trusted here"
    if not signed.key:
        return "its signature does not fit: no key that is trusted here made it, or something was changed"
    return "its signature does not fit: the statement or the signature was changed"
