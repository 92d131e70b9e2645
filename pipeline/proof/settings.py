"""Settings of `sign` and `verify` that are files of the repository."""

from __future__ import annotations

from pipeline.discover import Project
from pipeline.errors import ConfigError
from pipeline.proof import keys
from pipeline.proof.keys import PublicKey
from pipeline.proof.trust import Identity, Trust


async def trust(project: Project) -> Trust:
    """Whose signatures the configuration takes. ConfigError for what cannot be read or says half of it."""
    wanted = project.config.verify
    known = await public_keys(project, ("verify", "key"), wanted.key) if wanted.key else ()
    if bool(wanted.identity) != bool(wanted.issuer):
        place = project.config.place(("verify", "identity" if wanted.identity else "issuer"))
        raise ConfigError(f"{place}: verify.identity and verify.issuer belong together: who, and who has to know them")
    named = Identity(wanted.identity, wanted.issuer, await services(project)) if wanted.identity else None
    return Trust(known, named)


async def public_keys(project: Project, where: tuple[str, str], path: str) -> tuple[PublicKey, ...]:
    """The public keys in a file that a setting names."""
    text = await _text(project, where, path, "public keys")
    return keys.public(text, f"{project.config.place(where)}: {path}")


async def services(project: Project) -> str:
    """What names other services than sigstore's public ones; empty where these are meant."""
    path = project.config.sign.services
    return await _text(project, ("sign", "services"), path, "sigstore's client trust configuration") if path else ""


async def _text(project: Project, where: tuple[str, str], path: str, content: str) -> str:
    if not await project.source.glob(path):
        raise ConfigError(f"{project.config.place(where)}: there is no {path}, which is to hold {content}")
    return await project.source.file(path).contents()
