"""The signer: a key that the call gives, else a command or an identity that the configuration names, else nobody."""

from __future__ import annotations

from dataclasses import dataclass

import dagger

from pipeline import plaintext
from pipeline.project import Project
from pipeline.proof import command, keyless, signing
from pipeline.proof.signing import Signer


@dataclass(frozen=True)
class Vouching:
    """The signer; where there is none, ``reason`` says why."""

    signer: Signer | None
    reason: str = ""


async def of(project: Project, secret: dagger.Secret | None) -> Vouching:
    """The signer of this call, tried out: UsageError or BaselardError where they cannot."""
    settings = project.config.sign
    if secret:
        await plaintext.read(secret, "--signing-key")  # mounted, it would be told of by the engine alone
        return Vouching(await signing.signer(secret))
    if settings.command:
        return Vouching(await command.signer(project))
    if not settings.oidc:
        return Vouching(None, "there is no key (--signing-key)")
    wanted = keyless.secrets(settings.oidc)
    lacking = [one for one in wanted.values() if one not in {await secret.uri() for secret in project.secrets}]
    if lacking:
        return Vouching(None, f"there is no token of sign.oidc (--secrets {' --secrets '.join(lacking)})")
    try:
        return Vouching(await keyless.signer(project))
    except keyless.OutageError as error:
        if settings.outage == "fail":
            raise
        return Vouching(None, str(error))
