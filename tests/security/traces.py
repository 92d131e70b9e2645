"""Finds a secret in files and texts: as it is, in base64, percent-encoded, in hex, and inside what is packed."""

import base64
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.images.layers.stream import decompressed


def spellings(secret: str) -> dict[str, bytes]:
    """How a secret may be written; each is a part that no other text has."""
    plain = secret.encode()
    found = {"plain": plain, "hex": plain.hex().encode(), "escaped": secret.replace("/", "\\/").encode()}
    found |= {"percent": urllib.parse.quote(secret, safe="").encode(), "form": urllib.parse.quote_plus(secret).encode()}
    for offset in range(3):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            whole = encode(b"\0" * offset + plain)
            found[f"{name} at {offset}"] = whole[4:-4]  # without what the neighbours have a part in
    return found


def traces(secret: str, *places: Path | bytes | str) -> list[str]:
    """Where the secret is, and how written; files that are gzip or zstd are looked into."""
    wanted = spellings(secret)
    return [
        f"{name}: {how}"
        for place in places
        for name, data in _read(place)
        for how, text in wanted.items()
        if text in data
    ]


def _read(place: Path | bytes | str) -> Iterator[tuple[str, bytes]]:
    if isinstance(place, str | bytes):
        yield "a text", place.encode() if isinstance(place, str) else place
        return
    for path in sorted(place.rglob("*")):
        yield str(path), str(path.name).encode()
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            yield str(path), data
            yield str(path), _unpacked(path)


def _unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return b"".join(decompressed(file))
    except UserError:
        return b""
