"""GitLab's registry: names are taken away by GitLab's own API, and its collection removes what has none.

https://docs.gitlab.com/api/container_registry/ . Deleting in bulk (`name_regex_delete`) is not used: it is done later,
at most once an hour, and chooses by rules of GitLab's; a tag that this program chose goes at once, and no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from baselard.oci.errors import DistributionError
from baselard.oci.reference import Reference
from baselard.oci.registry import challenge
from baselard.oci.registry.connection import Connection
from baselard.oci.registry.credential import Credential
from pipeline.registry.client import AwaitedRepository
from pipeline.registry.removal import ByName
from pipeline.registry.web_api import WebApi, said

_SERVICE, _SIGN_IN = "container_registry", "/jwt/auth"
_JOB = "gitlab-ci-token"
_REMEDY = "the token needs the scope api and the role Maintainer, or is a job's CI_JOB_TOKEN of this very project"


def api_of(connection: Connection) -> str:
    """The address of the GitLab that a registry belongs to, by where it sends for tokens; empty where it is none's."""
    reply = connection.again(lambda: connection.client.get(connection.absolute("/v2/")), "/v2/")
    for asked in challenge.parse(reply.headers.get_list("www-authenticate")):
        realm = asked.parameters.get("realm", "")
        if asked.scheme == "bearer" and asked.parameters.get("service") == _SERVICE and realm.endswith(_SIGN_IN):
            return f"{realm.removesuffix(_SIGN_IN)}/api/v4"
    return ""


@dataclass
class RegistryTags:
    """The tags of one registry repository. GitLab counts several to a project."""

    api: WebApi
    _place: str = ""

    def delete(self, tag: str) -> str:
        """Remove a tag; why it stays, where a rule of the project protects it."""
        reply = self.api.send("DELETE", f"{self._where()}/{quote(tag, safe='')}")
        if reply.status_code == httpx.codes.NOT_FOUND:
            return ""
        if reply.status_code == httpx.codes.FORBIDDEN and "protect" in said(reply).lower():
            return said(reply)
        self.api.expect(reply, "delete a tag of")
        return ""

    def _where(self) -> str:
        """The place of its tags: that of the repository with this path, in whichever project above has it."""
        for project in () if self._place else _above(self.api.subject):
            place = f"projects/{quote(project, safe='')}/registry/repositories"
            if (number := self._number(place)) is not None:
                self._place = f"{place}/{number}/tags"
                break
        if not self._place:
            raise DistributionError(f"GitLab shows this token no registry repository {self.api.subject}; {_REMEDY}")
        return self._place

    def _number(self, place: str) -> int | None:
        first = f"{place}?per_page=100"
        if self.api.send("GET", first).status_code == httpx.codes.NOT_FOUND:
            return None
        known = self.api.pages("list", first)
        return next((int(one["id"]) for one in known if one["path"] == self.api.subject), None)


def _above(path: str) -> Iterator[str]:
    """The projects that may hold a repository of this path, the longest first; GitLab allows two names below one."""
    parts = path.split("/")
    yield from ("/".join(parts[:length]) for length in range(len(parts), max(1, len(parts) - 3), -1))


def beside(base: str, repository: AwaitedRepository, reference: Reference, credential: Credential) -> ByName:
    """The way through the API at ``base``, which alone is told of the token."""
    header = "JOB-TOKEN" if credential.username == _JOB else "PRIVATE-TOKEN"
    connection = Connection(base, say=repository.plain.connection.say)
    api = WebApi(connection, "GitLab", reference.repository, {header: credential.password}, _REMEDY)
    return ByName(RegistryTags(api), "GitLab")
