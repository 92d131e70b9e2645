"""The text of a secret that a call gives."""

from __future__ import annotations

import dagger

from pipeline.errors import UsageError


async def read(secret: dagger.Secret | None, flag: str) -> str:
    """Empty where none is given. UsageError, naming the flag, where it cannot be read."""
    try:
        return await secret.plaintext() if secret else ""
    except dagger.QueryError as error:
        raise UsageError(f"{flag}: {error}") from error
