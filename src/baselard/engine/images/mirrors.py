"""Whether skopeo would ask a mirror (containers-registries.conf(5)): then the registry's own silence says nothing."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from baselard.engine.errors import UserError
from baselard.oci.reference import Reference


def has_mirror(reference: Reference, environ: Mapping[str, str] | None = None) -> bool:
    """Whether this machine's configuration sends the reference elsewhere. Raises UserError for a broken file."""
    for entry in _entries(os.environ if environ is None else environ):
        prefix = str(entry.get("prefix") or entry.get("location") or "")
        matches = reference.name == prefix or reference.name.startswith(prefix.rstrip("/") + "/")
        if prefix and matches and (entry.get("mirror") or entry.get("location", prefix) != prefix):
            return True
    return False


def _entries(environ: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    for path in _files(environ):
        try:
            config = tomllib.loads(path.read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise UserError(f"{path} cannot be read: {error}") from error
        yield from config.get("registry", ())


def _files(environ: Mapping[str, str]) -> list[Path]:
    if environ.get("CONTAINERS_REGISTRIES_CONF"):
        return [Path(environ["CONTAINERS_REGISTRIES_CONF"])]
    own = Path(environ.get("HOME") or "/root") / ".config/containers"
    places = (Path("/etc/containers"), own)
    files = [place / "registries.conf" for place in places]
    files += [path for place in places for path in sorted((place / "registries.conf.d").glob("*.conf"))]
    return [path for path in files if path.is_file()]
