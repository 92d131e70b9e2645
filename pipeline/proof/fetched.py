"""Downloads and checkouts of a Dockerfile's ADDs, as materials with their digests."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import dagger
from dagger import dag

from baselard.dockerfile.plan.steps import Git, Url
from baselard.oci.together import each
from pipeline.images import Fetched
from pipeline.proof.provenance import Material


async def materials(fetched: Sequence[Fetched]) -> list[Material]:
    """Each of them once, by address."""
    found = await each(list(fetched), _material)
    return list({one.uri: one for one in found}.values())


async def _material(fetched: Fetched) -> Material:
    match fetched:
        case Url() as url, dagger.File() as file:
            address = public(url.address)
            return Material(address, address, url.checksum or await _sha256(file))
        case Git() as git, dagger.GitRef() as ref:
            address = public(git.remote) + (f"@{git.ref}" if git.ref else "")
            return Material(address, f"git+{address}", commit=await ref.commit())
    raise TypeError(fetched)


def public(address: str) -> str:
    """An address without the name and password that may stand in it."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


async def _sha256(file: dagger.File) -> str:
    held = dag.container().from_("debian:trixie-slim").with_mounted_file("/it", file)
    printed = await held.with_exec(["sha256sum", "/it"]).stdout()
    return f"sha256:{printed.split()[0]}"
