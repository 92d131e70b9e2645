"""Whether this machine's policy.json lets an image in (containers-policy.json(5)).

Signatures are not checked here, so an image for which the policy wants one is refused.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from baselard.oci.errors import SettingsError
from baselard.oci.reference import Reference
from baselard.oci.registry import home

_ANYTHING, _NOTHING = "insecureAcceptAnything", "reject"


def check(wanted: Reference, environ: Mapping[str, str]) -> None:
    """Raise SettingsError unless the policy accepts the image as it is; without a policy everything is accepted."""
    own = home.of(environ) / ".config/containers/policy.json"
    for path in (own, Path("/etc/containers/policy.json")):
        if path.exists():
            return _check(wanted, path)
    return None


def _check(wanted: Reference, path: Path) -> None:
    for requirement in _requirements(wanted, path):
        kind = requirement.get("type")
        if kind == _NOTHING:
            raise SettingsError(f"{wanted}: {path} rejects it")
        if kind != _ANYTHING:
            raise SettingsError(
                f"{wanted}: {path} wants it {kind}, which is not checked here; accept it there to pull it"
            )


def _requirements(wanted: Reference, path: Path) -> list[Mapping[str, Any]]:
    try:
        policy = json.loads(path.read_bytes())
        scopes = policy.get("transports", {}).get("docker", {})
        found = next((scopes[name] for name in _scopes(wanted) if name in scopes), None) or policy["default"]
        return [dict(requirement) for requirement in found]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path} is not a policy of images: {error!r}") from error


def _scopes(wanted: Reference) -> Iterator[str]:
    """The image, its repository, each namespace, its host, the host's domains, and everything; the nearest first."""
    yield f"{wanted.name}@{wanted.digest}" if wanted.digest else str(wanted)
    parts = wanted.name.split("/")
    yield from ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    domains = parts[0].split(".")
    yield from ("*." + ".".join(domains[start:]) for start in range(1, len(domains)))
    yield ""
