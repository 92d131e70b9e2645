"""Statements that an image needs, and their signers, before it is taken: `verify` of baselard.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.errors import UsageError
from pipeline.model import Case, Verdict
from pipeline.project import Project
from pipeline.proof import evidence, judging, keys, provenance, results, settings, simple
from pipeline.proof.judging import Judged
from pipeline.proof.statement import KINDS, Statement
from pipeline.proof.trust import Trust
from pipeline.registry.client import AwaitedRepository
from pipeline.registry.index import Published

# An index has no files of its own: its images' lists say what is in it.
_OF_IMAGES = ("sbom",)


@dataclass(frozen=True)
class ProofPolicy:
    """Kinds of statements that must be there, whose word counts, and the source they name; without one any does."""

    require: tuple[str, ...] = ()
    trust: Trust = field(default_factory=Trust)
    source: str = ""


async def of_project(
    project: Project, require: Sequence[str] | None = None, trusted: str = "", own: Trust | None = None
) -> ProofPolicy:
    """What the call says, else what the configuration says. ``trusted`` is the text of public keys, ``own`` is who
    publishes here."""
    wanted = tuple(project.config.verify.require if require is None else require)
    for one in wanted:
        if one not in KINDS:
            raise UsageError(f"--require: there is no statement {one!r}; there are {', '.join(KINDS)}")
    known = (
        Trust(keys.public(trusted, "--public-key"))
        if trusted
        else own or await settings.trust(project, ("verify",), project.config.verify)
    )
    if "signature" in wanted and not known:
        remedy = "give --public-key, or verify.key, or verify.identity with verify.issuer"
        raise UsageError(f"a signature is required, but no key is known: {remedy}")
    return ProofPolicy(wanted, known, project.config.verify.source or project.config.publish.source)


async def check(repository: AwaitedRepository, published: Published, policy: ProofPolicy) -> list[Case]:
    """A case for each rule, of what the reference stands for and of each platform's image below it."""
    images = {one.digest: one.platform for one in published.platforms}
    subjects = {published.digest: images.get(published.digest, "index"), **images}
    cases = []
    for digest, name in subjects.items():
        known = await judged(repository, digest, policy)
        cases += [_rule(name, kind, known, policy) for kind in policy.require if _applies(kind, name)]
        cases += _beside(name, known, policy)
    return cases


async def judged(repository: AwaitedRepository, digest: str, policy: ProofPolicy) -> Judged:
    """Statements about one manifest or index, by whom the policy trusts."""
    evidences = [*await evidence.read(repository, digest), *await simple.read(repository, digest)]
    return await judging.judge(evidences, digest, policy.trust)


def _applies(kind: str, name: str) -> bool:
    return name != "index" or kind not in _OF_IMAGES


def _rule(name: str, kind: str, known: Judged, policy: ProofPolicy) -> Case:
    """Whether one kind of statement is there and says what it has to."""
    case = f"{name}: {kind}"
    if said := broken(kind, known, policy):
        return Case(case, Verdict.FAILED, message=f"verify.require asks for {said}")
    return Case(case, Verdict.PASSED, message="" if known.signed else "whoever can push may have written it")


def broken(kind: str, known: Judged, policy: ProofPolicy) -> str:
    """The kind of statement that is asked for, and why none of those that are known will do; empty when one does."""
    wrong = [_wrong(one, policy) for one in known.of(kind)]
    if "" in wrong:
        return ""
    reasons = [*wrong, *known.problems]
    return f"{kind}: {'; '.join(reasons) if reasons else 'nothing of the kind refers to this image'}"


def _wrong(one: Statement, policy: ProofPolicy) -> str:
    """What a statement that holds says, but must not; empty when it is as it should be."""
    if one.kind == "provenance" and policy.source:
        named = provenance.source(one.predicate)
        if named.removesuffix(".git").rstrip("/") != policy.source.removesuffix(".git").rstrip("/"):
            return f"it names the source {named or '(none)'}, not {policy.source}"
    if one.kind == "test-result":
        failed = [str(name) for name in one.predicate.get("failedTests") or ()]
        if one.predicate.get("result") not in (results.PASSED, results.WARNED) or failed:
            return f"it says {one.predicate.get('result')}: {', '.join(failed[:3]) or 'no test is named'}"
    return ""


def _beside(name: str, known: Judged, policy: ProofPolicy) -> list[Case]:
    """What is there without being asked for."""
    there = dict.fromkeys(one.kind for one in known.statements if one.kind not in policy.require)
    if not there:
        return []
    unknown = "nobody's signature was checked: no key is known here"
    by = "signed by somebody who is trusted" if known.signed else unknown
    return [Case(f"{name}: {', '.join(there)}", Verdict.NOTED, message=by)]
