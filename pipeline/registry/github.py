"""GitHub's registry: it takes and gives as others do, but deletes nothing; GitHub's API for packages does.

A version of a package is a manifest with all its tags: https://docs.github.com/en/rest/packages/packages
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from baselard.oci.errors import DistributionError, RefusedError
from baselard.oci.reference import Reference
from baselard.oci.registry.connection import Connection
from pipeline.registry.client import AwaitedRepository, awaited

_ALL = (400, 401, 403, 404, 422)
_MOST_PAGES = 1000
_REMEDY = (
    "a personal token needs read:packages and delete:packages of somebody who is the package's admin; a workflow's "
    "GITHUB_TOKEN needs `permissions: packages: write`, and its repository the role Admin in the package's settings"
)
_UNDELETABLE = re.compile(r"last tagged version|5000 downloads", re.IGNORECASE)


HOST, API = "ghcr.io", "https://api.github.com"


@dataclass
class PackageVersions:
    """The versions of one package. ``kept`` tells of those that GitHub does not let go, and why."""

    connection: Connection
    token: str = field(repr=False)
    repository: str
    kept: list[str] = field(default_factory=list)
    _versions: dict[str, int] = field(default_factory=dict)
    _place: str = ""

    def untagged(self) -> list[str]:
        """The digests of all versions without a tag."""
        return [str(one["name"]) for one in self._list() if not _tags(one)]

    def delete(self, digest: str) -> bool:
        """Remove a version; False when it is not there, or may not go (see ``kept``)."""
        if digest not in self._versions:
            self._list()
        version = self._versions.pop(digest, None)
        if version is None:
            return False
        reply = self._send("DELETE", f"{self._where()}/{version}")
        if reply.status_code == httpx.codes.BAD_REQUEST and _UNDELETABLE.search(_said(reply)):
            self.kept.append(f"{digest[:19]}: {_said(reply)}")
            return False
        self._expect(reply, "delete")
        return True

    def _list(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        url: str | None = f"{self._where()}?per_page=100"
        for _ in range(_MOST_PAGES):
            if url is None:
                break
            reply = self._send("GET", url)
            self._expect(reply, "list")
            found += reply.json()
            url = reply.links.get("next", {}).get("url")
        self._versions = {str(one["name"]): int(one["id"]) for one in found}
        return found

    def _where(self) -> str:
        """The place of the versions, which is another for organisations and for people."""
        if not self._place:
            owner, _, name = self.repository.partition("/")
            reply = self._send("GET", f"users/{quote(owner)}")
            self._expect(reply, "look up")
            kind = "orgs" if reply.json().get("type") == "Organization" else "users"
            self._place = f"{kind}/{quote(owner)}/packages/container/{quote(name, safe='')}/versions"
        return self._place

    def _send(self, method: str, url: str) -> httpx.Response:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        base = self.connection.base
        where = url if url.startswith("http") else f"{base}/{url}"
        if not where.startswith(f"{base}/"):  # the token is for nobody else
            raise DistributionError(f"{self.connection.host} names a next page elsewhere: {where[:200]}")
        return self.connection.request(method, where, scope="", headers=headers, allow=_ALL)

    def _expect(self, reply: httpx.Response, verb: str) -> None:
        if reply.is_success:
            return
        what = f"GitHub does not let this token {verb} {self.repository} ({reply.status_code} {_said(reply)})"
        raise RefusedError(f"{what}; {_REMEDY}", reply.status_code)


@dataclass(frozen=True)
class GitHubRepository(AwaitedRepository):
    """A repository whose manifests are deleted as versions of a package. A mere name cannot be."""

    packages: PackageVersions

    async def delete(self, target: str) -> bool:
        return ":" in target and await awaited(partial(self.packages.delete, target))

    async def untagged(self) -> list[str]:
        """The digests of all manifests without a tag."""
        return await awaited(self.packages.untagged)


def beside(repository: AwaitedRepository, reference: Reference, token: str) -> GitHubRepository:
    """The same repository, deleting through GitHub's API, in which nobody is told of the token but GitHub."""
    connection = Connection(API, say=repository.plain.connection.say)
    return GitHubRepository(repository.plain, PackageVersions(connection, token, reference.repository))


def _tags(version: Mapping[str, Any]) -> list[str]:
    return list(((version.get("metadata") or {}).get("container") or {}).get("tags") or [])


def _said(reply: httpx.Response) -> str:
    try:
        return str(reply.json().get("message", ""))[:300]
    except (ValueError, AttributeError):
        return ""
