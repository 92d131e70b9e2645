"""This machine's registries.conf and the files beside it (containers-registries.conf(5)), read and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselard.oci.errors import SettingsError
from baselard.oci.registry import home

ALL, DIGEST_ONLY, TAG_ONLY = "all", "digest-only", "tag-only"
CREDENTIAL_FILES = "containers-auth.json"
"""Stands, among the credential helpers, for the files of containers-auth.json(5)."""
_MOST = 16 << 20  # bytes of a file with settings


@dataclass(frozen=True)
class Mirror:
    """Another place for the same images; ``pulls`` is ALL, DIGEST_ONLY or TAG_ONLY."""

    location: str
    insecure: bool = False
    pulls: str = ALL


@dataclass(frozen=True)
class RegistryRule:
    """One ``[[registry]]``. An empty ``location`` leaves references as they are; ``path`` is the file it stands in."""

    prefix: str
    location: str
    path: Path
    insecure: bool = False
    blocked: bool = False
    mirrors: tuple[Mirror, ...] = ()


@dataclass(frozen=True)
class Settings:
    """All files together: one rule for each prefix, and the helpers to ask for credentials, in their order."""

    rules: Mapping[str, RegistryRule]
    helpers: tuple[str, ...] = (CREDENTIAL_FILES,)


def read(environ: Mapping[str, str]) -> Settings:
    """Read the main file, then those beside it by name; a later file's rule replaces one of the same prefix.

    Raises SettingsError for a file that is broken or contradicts itself.
    """
    rules: dict[str, RegistryRule] = {}
    helpers: tuple[str, ...] = ()
    for path, may_be_old in _files(environ):
        config = _load(path)
        found = list(_old_rules(config, path) if may_be_old and "registries" in config else _rules(config, path))
        rules |= {rule.prefix: rule for rule in reversed(found)}  # in one file the first of a prefix wins
        helpers = tuple(map(str, config.get("credential-helpers", helpers)))
    return Settings(rules, helpers or (CREDENTIAL_FILES,))


def _files(environ: Mapping[str, str]) -> list[tuple[Path, bool]]:
    """The files that count, and whether each may be in the first version's format."""
    system, own = Path("/etc/containers"), home.of(environ) / ".config/containers"
    given = environ.get("CONTAINERS_REGISTRIES_CONF")
    alone = not given and (own / "registries.conf").exists()  # a user's own file replaces all of the system's
    main = Path(given) if given else (own if alone else system) / "registries.conf"
    places = (own,) if alone else (system, own)
    beside = [path for place in places for path in sorted((place / "registries.conf.d").glob("*.conf"))]
    return [*([(main, True)] if given or main.exists() else []), *((path, False) for path in beside)]


def _load(path: Path) -> Mapping[str, Any]:
    if path.exists() and not (path.is_file() and path.stat().st_size <= _MOST):
        raise SettingsError(f"{path} cannot be read: it is not a regular file of at most {_MOST >> 20} MiB")
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:  # tomllib.TOMLDecodeError is a ValueError
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _rules(config: Mapping[str, Any], path: Path) -> Iterator[RegistryRule]:
    if "registries" in config:
        raise SettingsError(f"{path} holds [registries], of the first version's format; write [[registry]] instead")
    for plain in _tables(config, "registry", path):
        yield _rule(plain, path)


def _old_rules(config: Mapping[str, Any], path: Path) -> Iterator[RegistryRule]:
    """The first version's lists of insecure and of blocked registries."""
    if "registry" in config:
        raise SettingsError(f"{path} mixes [registries] of the first version's format with [[registry]] of the second")
    try:
        insecure, blocked = (
            [_location(name, path) for name in config["registries"].get(kind, {}).get("registries", ())]
            for kind in ("insecure", "block")
        )
    except (AttributeError, TypeError) as error:
        raise SettingsError(f"{path}: [registries] is none of the first version's format: {error}") from error
    for location in dict.fromkeys((*insecure, *blocked)):
        yield RegistryRule(location, location, path, location in insecure, location in blocked)


def _rule(plain: Mapping[str, Any], path: Path) -> RegistryRule:
    location = _location(plain.get("location", ""), path)
    prefix = _location(plain.get("prefix", ""), path) or location
    wildcard = prefix.startswith("*.")
    if not prefix or not (location or wildcard):
        raise SettingsError(f"{path}: a [[registry]] needs a location (its prefix is {prefix!r})")
    if wildcard and set(prefix) & set("/@:"):
        raise SettingsError(f"{path}: the prefix {prefix!r} is more than a wildcard; write it as *.example.com")
    if "pull-from-mirror" in plain:
        raise SettingsError(f"{path}: pull-from-mirror belongs to a [[registry.mirror]], not to {prefix!r} itself")
    by_digest = _switch(plain, "mirror-by-digest-only", path)
    mirrors = tuple(_mirror(mirror, path, by_digest) for mirror in _tables(plain, "mirror", path))
    return RegistryRule(
        prefix, location, path, _switch(plain, "insecure", path), _switch(plain, "blocked", path), mirrors
    )


def _mirror(plain: Mapping[str, Any], path: Path, by_digest: bool) -> Mirror:
    location = _location(plain.get("location", ""), path)
    pulls = plain.get("pull-from-mirror") or (DIGEST_ONLY if by_digest else ALL)
    if not location:
        raise SettingsError(f"{path}: a [[registry.mirror]] needs a location")
    if by_digest and plain.get("pull-from-mirror"):
        raise SettingsError(f"{path}: {location}: either mirror-by-digest-only or pull-from-mirror, not both")
    if pulls not in (ALL, DIGEST_ONLY, TAG_ONLY):
        raise SettingsError(
            f"{path}: {location}: pull-from-mirror is {ALL}, {DIGEST_ONLY} or {TAG_ONLY}, not {pulls!r}"
        )
    return Mirror(location, _switch(plain, "insecure", path), pulls)


def _tables(plain: Mapping[str, Any], name: str, path: Path) -> list[Mapping[str, Any]]:
    found = plain.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise SettingsError(f"{path}: {name} is not a list of tables; write [[{name}]]")
    return found


def _switch(plain: Mapping[str, Any], name: str, path: Path) -> bool:
    value = plain.get(name, False)
    if not isinstance(value, bool):
        raise SettingsError(f"{path}: {name} is true or false, not {value!r}")
    return value


def _location(text: object, path: Path) -> str:
    if not isinstance(text, str) or text.startswith(("http://", "https://")):
        raise SettingsError(f"{path}: {text!r} is not a location; write HOST[:PORT][/PATH], without https://")
    return text.rstrip("/")
