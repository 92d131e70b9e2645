"""Who we are to a registry: credentials given to the session, else those docker, podman and skopeo keep."""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baselard.engine.errors import UserError
from baselard.engine.host import process
from baselard.oci.registry.credential import Credential

_DOCKER_HUB = "https://index.docker.io/v1/"
_TOKEN_USER = "<token>"  # noqa: S105 -- how credential helpers mark an identity token (docker-credential-helpers)


def find(
    registry: str, given: Mapping[str, tuple[str, str]], environ: Mapping[str, str] | None = None
) -> Credential | None:
    """The credential for ``registry``: from ``given``, else from the first file that has one, or its helper; or None.

    Raises UserError for a file that cannot be read as docker's config.json.
    """
    if registry in given:
        return Credential(*given[registry])
    for path in files(os.environ if environ is None else environ):
        if found := _from_config(_load(path), registry):
            return found
    return None


def files(environ: Mapping[str, str]) -> list[Path]:
    """Where credentials are kept (containers-auth.json(5), docker's config.json), the first to be asked first."""
    home = Path(environ.get("HOME") or "/root")
    runtime = environ.get("XDG_RUNTIME_DIR")
    candidates = [
        Path(environ["REGISTRY_AUTH_FILE"]) if environ.get("REGISTRY_AUTH_FILE") else None,
        Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json",
        Path(runtime) / "containers" / "auth.json" if runtime else None,
        Path(f"/run/containers/{os.getuid()}/auth.json"),
        home / ".config" / "containers" / "auth.json",
    ]
    return [path for path in candidates if path and path.is_file()]


def auth_file(credentials: Mapping[str, tuple[str, str]]) -> bytes:
    """What skopeo's ``--authfile`` reads, for these credentials."""
    auths = {name: {"auth": Credential(*given).basic.removeprefix("Basic ")} for name, given in credentials.items()}
    return json.dumps({"auths": auths}).encode()


def _load(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as docker's configuration: {error}") from error
    return config if isinstance(config, dict) else {}


def _from_config(config: Mapping[str, Any], registry: str) -> Credential | None:
    names = _spellings(registry)
    helpers = config.get("credHelpers") or {}
    helper = next((helpers[name] for name in names if name in helpers), config.get("credsStore"))
    if helper and (found := _from_helper(str(helper), names)):
        return found
    auths = config.get("auths") or {}
    entry = next((auths[name] for name in names if auths.get(name)), None)
    return _from_entry(entry, registry) if entry else None


def _spellings(registry: str) -> list[str]:
    if registry == "docker.io":
        return [_DOCKER_HUB, "docker.io", "index.docker.io", "registry-1.docker.io"]
    return [registry, f"https://{registry}", f"http://{registry}", f"https://{registry}/v2/", f"https://{registry}/v1/"]


def _from_entry(entry: Mapping[str, Any], registry: str) -> Credential | None:
    if entry.get("identitytoken"):
        return Credential(identity_token=str(entry["identitytoken"]))
    if not entry.get("auth"):
        return Credential(entry["username"], entry.get("password", "")) if entry.get("username") else None
    try:
        user, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UserError(f"the stored credential for {registry} is broken; sign in again with docker login") from error
    return Credential(user, password.rstrip("\0"))


def _from_helper(helper: str, names: list[str]) -> Credential | None:
    """Ask ``docker-credential-HELPER get``; a helper that knows nothing ends with an exit code other than 0."""
    for name in names:
        answer = process.run((f"docker-credential-{helper}", "get"), stdin=name.encode(), check=False, timeout=30)
        if answer.code == 0:
            found = json.loads(answer.stdout)
            if found["Username"] == _TOKEN_USER:
                return Credential(identity_token=found["Secret"])
            return Credential(found["Username"], found["Secret"])
    return None
