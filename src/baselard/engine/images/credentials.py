"""Credentials for a registry: credentials given to the session, else those docker and podman keep."""

import base64
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from baselard.engine.errors import UserError
from baselard.engine.files import bounded
from baselard.engine.host import process
from baselard.engine.store import ids
from baselard.oci.registry import home
from baselard.oci.registry.credential import Credential
from baselard.oci.registry.registries_conf import CREDENTIAL_FILES

_DOCKER_HUB = "https://index.docker.io/v1/"
_TOKEN_USER = "<token>"  # noqa: S105 -- how credential helpers mark an identity token (docker-credential-helpers)


def find(
    name: str,
    given: Mapping[str, tuple[str, str]],
    environ: Mapping[str, str] | None = None,
    helpers: Sequence[str] = (CREDENTIAL_FILES,),
) -> Credential | None:
    """The credential for ``name``, a registry or a repository of one: from ``given``, else from the first of
    ``helpers`` that has one, where CREDENTIAL_FILES stands for the first file that has, or its helper; or None.

    Raises UserError for a file that cannot be read as docker's config.json.
    """
    registry = name.partition("/")[0]
    if registry in given:
        return Credential(*given[registry])
    for helper in helpers:
        own = os.environ if environ is None else environ
        credential = (
            _from_files(own, name) if helper == CREDENTIAL_FILES else _from_helper(helper, _spellings(registry))
        )
        if credential:
            return credential
    return None


def _from_files(environ: Mapping[str, str], name: str) -> Credential | None:
    for path in files(environ):
        try:
            credential = _from_config(_load(path), name)
        except (AttributeError, KeyError, TypeError) as error:
            raise UserError(f"{path} cannot be read as docker's configuration: {error}") from error
        if credential:
            return credential
    return None


def files(environ: Mapping[str, str]) -> list[Path]:
    """Where credentials are kept (containers-auth.json(5), docker's config.json), the first to be asked first."""
    place = home.of(environ)
    runtime = environ.get("XDG_RUNTIME_DIR")
    candidates = [
        Path(environ["REGISTRY_AUTH_FILE"]) if environ.get("REGISTRY_AUTH_FILE") else None,
        Path(environ.get("DOCKER_CONFIG") or place / ".docker") / "config.json",
        Path(runtime) / "containers" / "auth.json" if runtime else None,
        Path(f"/run/containers/{ids.own()}/auth.json"),
        place / ".config" / "containers" / "auth.json",
    ]
    return [path for path in candidates if path and os.path.isfile(path)]  # some are where this user may not look


def _load(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(bounded.read(path))
    except (OSError, ValueError, RecursionError, UserError) as error:
        raise UserError(f"{path} cannot be read as docker's configuration: {error}") from error
    return config if isinstance(config, dict) else {}


def _from_config(config: Mapping[str, Any], name: str) -> Credential | None:
    registry = name.partition("/")[0]
    names = _spellings(registry)
    helpers = config.get("credHelpers") or {}
    helper = next((helpers[key] for key in names if key in helpers), config.get("credsStore"))
    if helper and (credential := _from_helper(str(helper), names)):
        return credential
    auths = config.get("auths") or {}
    entry = next((auths[key] for key in (*_parts(name), *names) if auths.get(key)), None)
    return _from_entry(entry, registry) if entry else None


def _parts(name: str) -> list[str]:
    """The repository and each namespace it is in, the longest first (containers-auth.json(5))."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 1, -1)]


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
    except ValueError as error:  # no base64, or no UTF-8 in it
        raise UserError(f"the stored credential for {registry} is broken; sign in again with docker login") from error
    return Credential(user, password.rstrip("\0"))


def _from_helper(helper: str, names: list[str]) -> Credential | None:
    """Ask ``docker-credential-HELPER get``; a helper that knows nothing ends with an exit code other than 0."""
    for name in names:
        answer = process.run((f"docker-credential-{helper}", "get"), stdin=name.encode(), check=False, timeout=30)
        if answer.code == 0:
            document = json.loads(answer.stdout)
            if document["Username"] == _TOKEN_USER:
                return Credential(identity_token=document["Secret"])
            return Credential(document["Username"], document["Secret"])
    return None
