"""An owner's numbers, looked up in a container when it is a name."""

from __future__ import annotations

import dagger

from dockerfile.owners import is_numeric, resolve_owner

TABLES = ("/etc/passwd", "/etc/group")


async def numeric_owner(container: dagger.Container, owner: str) -> str:
    """`uid:gid`, or "" for "" (keep the source's)."""
    if not owner:
        return ""
    if is_numeric(owner):
        return resolve_owner(owner)
    texts = [await container.file(path).contents() if await container.exists(path) else "" for path in TABLES]
    return resolve_owner(owner, *texts)
