"""GitHub's registry: it takes and gives as others do, but deletes nothing; GitHub's API for packages does.

A version of a package is a manifest with all its tags: https://docs.github.com/en/rest/packages/packages
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from baselard.oci.reference import Reference
from baselard.oci.registry.connection import Connection
from pipeline.registry.client import AwaitedRepository, awaited
from pipeline.registry.untag import untag
from pipeline.registry.web_api import WebApi, said

HOST, API = "ghcr.io", "https://api.github.com"
_REMEDY = (
    "a personal token needs read:packages and delete:packages of somebody who is the package's admin; a workflow's "
    "GITHUB_TOKEN needs `permissions: packages: write`, and its repository the role Admin in the package's settings"
)
_UNDELETABLE = re.compile(r"last tagged version|5000 downloads", re.IGNORECASE)


@dataclass
class PackageVersions:
    """The versions of one package. ``kept`` tells of those that GitHub does not let go, and why."""

    api: WebApi
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
        reply = self.api.send("DELETE", f"{self._where()}/{version}")
        if reply.status_code == httpx.codes.BAD_REQUEST and _UNDELETABLE.search(said(reply)):
            self.kept.append(f"{digest[:19]}: {said(reply)}")
            return False
        self.api.expect(reply, "delete")
        return True

    def _list(self) -> list[Mapping[str, Any]]:
        found = list(self.api.pages("list", f"{self._where()}?per_page=100"))
        self._versions = {str(one["name"]): int(one["id"]) for one in found}
        return found

    def _where(self) -> str:
        """The place of the versions, which is another for organisations and for people."""
        if not self._place:
            owner, _, name = self.api.subject.partition("/")
            owned = self.api.ask("look up", "GET", f"users/{quote(owner)}")
            kind = "orgs" if owned.get("type") == "Organization" else "users"
            self._place = f"{kind}/{quote(owner)}/packages/container/{quote(name, safe='')}/versions"
        return self._place


@dataclass(frozen=True)
class _Deleting(AwaitedRepository):
    """A repository whose manifests are deleted as versions of a package. A mere name cannot be."""

    packages: PackageVersions

    async def delete(self, target: str) -> bool:
        return ":" in target and await awaited(partial(self.packages.delete, target))


@dataclass(frozen=True)
class ByPackages:
    """Manifests are deleted as versions of a package."""

    repository: _Deleting
    keeper: str = "GitHub"

    @property
    def kept(self) -> Sequence[str]:
        return self.repository.packages.kept

    async def delete(self, digest: str, _tags: Sequence[str]) -> None:
        await self.repository.delete(digest)

    async def untag(self, tag: str) -> None:
        await untag(self.repository, tag)

    async def untagged(self) -> Sequence[str]:
        return await awaited(self.repository.packages.untagged)


def beside(repository: AwaitedRepository, reference: Reference, token: str) -> ByPackages:
    """The way of the same repository's packages; nobody is told of the token but GitHub."""
    connection = Connection(API, say=repository.plain.connection.say)
    packages = PackageVersions(api(connection, token, reference.repository, _REMEDY))
    return ByPackages(_Deleting(repository.plain, packages))


def api(connection: Connection, token: str, subject: str, remedy: str = "") -> WebApi:
    """GitHub's REST API, asked as its documentation wants it; without a token for what everybody may see."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    return WebApi(connection, "GitHub", subject, headers, remedy)


def _tags(version: Mapping[str, Any]) -> list[str]:
    return list(((version.get("metadata") or {}).get("container") or {}).get("tags") or [])
