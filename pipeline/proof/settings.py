"""Settings of `sign` and `verify` that are files of the repository."""

from __future__ import annotations

from pipeline.config.config import OriginSettings, VerifySettings
from pipeline.errors import ConfigError
from pipeline.project import Project
from pipeline.proof import keys
from pipeline.proof.keys import PublicKey
from pipeline.proof.trust import Identity, Trust


async def trust(project: Project, where: tuple[str, ...], wanted: VerifySettings | OriginSettings) -> Trust:
    """The signers whom these settings trust. ConfigError for what cannot be read or says half of it."""
    known = await public_keys(project, (*where, "key"), wanted.key) if wanted.key else ()
    if bool(wanted.identity) != bool(wanted.issuer):
        place = project.config.place((*where, "identity" if wanted.identity else "issuer"))
        raise ConfigError(f"{place}: identity and issuer belong together: who, and who has to know them")
    named = Identity(wanted.identity, wanted.issuer, await services(project)) if wanted.identity else None
    return Trust(known, named)


async def public_keys(project: Project, where: tuple[str, ...], path: str) -> tuple[PublicKey, ...]:
    """The public keys in a file that a setting names."""
    text = await _text(project, where, path, "public keys")
    return keys.public(text, f"{project.config.place(where)}: {path}")


async def services(project: Project) -> str:
    """The file that names other services than sigstore's public ones; empty where these are meant."""
    path = project.config.sign.services
    return await _text(project, ("sign", "services"), path, "sigstore's client trust configuration") if path else ""


async def _text(project: Project, where: tuple[str, ...], path: str, content: str) -> str:
    if not await project.source.glob(path):
        raise ConfigError(f"{project.config.place(where)}: there is no {path}, which is to hold {content}")
    return await project.source.file(path).contents()
