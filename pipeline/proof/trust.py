"""Signers that count: keys, and people or workflows that certificates name."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from pipeline.proof.keys import PublicKey


@dataclass(frozen=True)
class Identity:
    """The one whom a certificate has to name, and which issuer has to have known them; each may be a glob.

    ``roots`` is sigstore's client trust configuration as JSON; without it, its public services are meant.
    """

    subject: str
    issuer: str
    roots: str = ""

    def names(self, subject: str, issuer: str) -> bool:
        """Whether this is the one who is meant."""
        return fnmatchcase(subject, self.subject) and fnmatchcase(issuer, self.issuer)


@dataclass(frozen=True)
class Trust:
    """One of these must have signed; where there are none, anybody's word is taken."""

    keys: tuple[PublicKey, ...] = ()
    identity: Identity | None = None

    def __bool__(self) -> bool:
        return bool(self.keys or self.identity)
