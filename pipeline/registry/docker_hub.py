"""Docker Hub: its registry deletes nothing; names are taken away by the Hub's own API.

https://docs.docker.com/reference/api/hub/latest/ tells of the sign-in and of the place of tags. That a tag is deleted
there is what the Hub's own pages do; the reference does not say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

import httpx

from baselard.oci.reference import Reference
from baselard.oci.registry.connection import Connection
from baselard.oci.registry.credential import Credential
from pipeline.registry.client import AwaitedRepository
from pipeline.registry.removal import ByName
from pipeline.registry.web_api import WebApi

API = "https://hub.docker.com/v2"
_REMEDY = "--username and --password must be those of an access token that may read, write and delete"


@dataclass
class HubTags:
    """The tags of one repository. A sign-in lasts ten minutes; the next one is made when it is refused."""

    connection: Connection
    credential: Credential
    repository: str
    _token: str = field(default="", repr=False)

    def delete(self, tag: str) -> str:
        """Remove a tag; the Hub keeps none."""
        owner, _, name = self.repository.partition("/")
        place = f"namespaces/{quote(owner)}/repositories/{quote(name, safe='')}/tags/{quote(tag, safe='')}"
        api = self._signed_in()
        reply = api.send("DELETE", place)
        if reply.status_code == httpx.codes.UNAUTHORIZED:
            self._token = ""
            api = self._signed_in()
            reply = api.send("DELETE", place)
        if reply.status_code != httpx.codes.NOT_FOUND:
            api.expect(reply, "delete a tag of")
        return ""

    def _signed_in(self) -> WebApi:
        if not self._token:
            known = {"identifier": self.credential.username, "secret": self.credential.password}
            answer = self._api({}).ask("sign in for", "POST", "auth/token", known)
            self._token = str(answer["access_token"])
        return self._api({"Authorization": f"Bearer {self._token}"})

    def _api(self, headers: dict[str, str]) -> WebApi:
        return WebApi(self.connection, "Docker Hub", self.repository, headers, _REMEDY)


def beside(repository: AwaitedRepository, reference: Reference, credential: Credential) -> ByName:
    """The way through the Hub's API, which alone is told of the password."""
    connection = Connection(API, say=repository.plain.connection.say)
    return ByName(HubTags(connection, credential, reference.repository), "Docker Hub")
