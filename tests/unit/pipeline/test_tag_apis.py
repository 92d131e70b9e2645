"""Cleaning up where only names can be taken away: GitLab's registry and Docker Hub.

Judge: the documentation of GitLab's container registry API (its pages, its 403 for a protected tag) and of Docker Hub's
API (its sign-in), played by servers in memory, whose registry half refuses every DELETE.
"""

import re
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import httpx
import pytest

from baselard.oci.registry import connection
from baselard.oci.registry.credential import Credential
from baselard.oci.registry.repository import Repository
from pipeline.errors import BaselardError
from pipeline.references import parse_reference
from pipeline.registry import cleaning, docker_hub, gitlab
from pipeline.registry.cleaning import CleaningPolicy
from pipeline.registry.client import AwaitedRepository
from tests.unit.pipeline.test_github_packages import NOW, GitHub

pytestmark = pytest.mark.anyio
AT_GITLAB = parse_reference("registry.example.com/team/tools/base/dev")
AT_THE_HUB = parse_reference("docker.io/acme/base")
ME = Credential("me", "secret")
SIGN_IN = 'Bearer realm="https://git.example.com/jwt/auth",service="container_registry"'


@dataclass
class Names(GitHub):
    """A registry that takes and gives, and an API that removes names; ``gone`` has them in their order."""

    gone: list[str] = field(default_factory=list)
    protected: tuple[str, ...] = ()
    sign_in: str = SIGN_IN
    mine: str = "secret"
    signed_in: int = 0
    lasts: int = 1000

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host == "git.example.com":
            return self.trouble.pop() if self.trouble else self.gitlab(request)
        if request.url.host == "hub.docker.com":
            return self.trouble.pop() if self.trouble else self.hub(request)
        if request.url.path == "/v2/":
            return httpx.Response(401, headers={"www-authenticate": self.sign_in} if self.sign_in else {})
        return self.registry(request)

    def gitlab(self, request: httpx.Request) -> httpx.Response:
        if self.mine not in (request.headers.get("private-token"), request.headers.get("job-token")):
            return httpx.Response(401, json={"message": "401 Unauthorized"})
        path = request.url.raw_path.decode().partition("?")[0]
        if path == "/api/v4/projects/team%2Ftools/registry/repositories":
            return self.listed(request)
        found = re.fullmatch(r"/api/v4/projects/team%2Ftools/registry/repositories/7/tags/(.+)", path)
        if found and request.method == "DELETE":
            return self.drop(found[1])
        return httpx.Response(404, json={"message": "404 Project Not Found"})

    def listed(self, request: httpx.Request) -> httpx.Response:
        """The repositories on two pages, with the links that GitLab wants to be followed."""
        if request.url.params.get("page") == "2":
            return httpx.Response(200, json=[{"id": 7, "name": "base/dev", "path": "team/tools/base/dev"}])
        more = request.url.copy_set_param("page", "2")
        headers = {"link": f'<{more}>; rel="next"', "x-next-page": "2", "x-per-page": "100"}
        return httpx.Response(200, json=[{"id": 6, "name": "", "path": "team/tools"}], headers=headers)

    def hub(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v2/auth/token":
            if b'"secret": "secret"' not in request.content or b'"identifier": "me"' not in request.content:
                return httpx.Response(401, json={"detail": "Incorrect authentication credentials"})
            self.signed_in += 1
            self.lasts = 2
            return httpx.Response(200, json={"access_token": f"jwt{self.signed_in}"})
        self.lasts -= 1
        if self.lasts < 0 or request.headers.get("authorization") != f"Bearer jwt{self.signed_in}":
            return httpx.Response(401, json={"detail": "token has expired"})
        found = re.fullmatch(r"/v2/namespaces/acme/repositories/base/tags/(.+)", request.url.path)
        assert found and request.method == "DELETE"
        return self.drop(found[1])

    def drop(self, tag: str) -> httpx.Response:
        if tag in self.protected:
            return httpx.Response(403, json={"message": "403 Forbidden - Protected container tag"})
        if self.tags.pop(tag, None) is None:
            return httpx.Response(404, json={"message": "404 Tag Not Found"})
        self.gone.append(tag)
        return httpx.Response(204)


@pytest.fixture
def clean(monkeypatch):
    """Clean up at a registry; the report."""

    async def run(served: Names, where, *, apply=True, who: Credential | None = ME, **policy) -> str:
        slept = policy.pop("slept", [])
        played = partial(
            connection.Connection, transport=httpx.MockTransport(served), sleep=slept.append, say=lambda _: None
        )

        @asynccontextmanager
        async def connect(reference, _credential):
            yield AwaitedRepository(Repository(played(reference.api_url), reference.repository))

        for module in (gitlab, docker_hub):
            monkeypatch.setattr(module, "Connection", lambda base, say: played(base))
        monkeypatch.setattr(cleaning, "connect", connect)
        return await cleaning.clean_up(where, who, CleaningPolicy(("test-*",), **policy), apply=apply)

    return run


@pytest.fixture(params=[AT_GITLAB, AT_THE_HUB], ids=["GitLab", "Docker Hub"])
def where(request):
    return request.param


def tags_about(served: Names, digests: set[str]) -> Mapping[str, str]:
    return {tag: one for tag, one in served.tags.items() if one in digests}


async def test_of_a_thousand_versions_with_shared_children_exactly_those_names_go_that_nothing_kept_needs(clean, where):
    served = Names()
    children = [served.image(f"child {number}") for number in range(301)]
    stay: set[str] = set()
    for number in range(300):  # each index shares a child with its neighbours
        name = f"v{number}" if number % 4 == 0 else f"test-{number}"
        served.index([children[number], children[number + 1]], name)
        stay |= {name} if number % 4 == 0 else set()
    alone = [served.image(f"image {number}", f"test-x{number}") for number in range(300)]
    for number, subject in enumerate([*alone[:50], children[0], children[2]]):
        served.refer(subject, f"signature {number}")
    stay |= {children[0].replace(":", "-")}  # a kept index's child; children[2] is one of test-1 and test-2 alone
    assert len(served.manifests) >= 1000
    before = set(served.tags)
    await clean(served, where)
    assert set(served.tags) == stay
    assert set(served.gone) == before - stay


async def test_an_image_loses_its_name_before_what_refers_to_it_does(clean, where):
    served = Names()
    image = served.image("a", "test-1")
    served.refer(image, "signature")
    await clean(served, where)
    assert served.gone == ["test-1", image.replace(":", "-")]


async def test_a_name_beside_a_kept_one_goes_alone(clean, where):
    served = Names()
    image = served.image("a", "v1", "test-1")
    await clean(served, where)
    assert served.tags == {"v1": image}
    assert served.gone == ["test-1"]


async def test_a_dry_run_removes_nothing(clean, where):
    served = Names()
    served.image("a", "test-1")
    assert "would delete (dry run; add --apply): 1 tags, 1 manifests" in await clean(served, where, apply=False)
    assert served.gone == []


async def test_what_is_young_stays(clean, where):
    served = Names()
    served.image("a", "test-1", made=NOW)
    await clean(served, where, age=timedelta(days=365))
    assert served.gone == []


async def test_rate_limits_are_waited_for(clean, where):
    served, slept = Names(), []
    served.image("a", "test-1")
    served.trouble += [httpx.Response(429, headers={"retry-after": "9"}) for _ in range(2)]
    await clean(served, where, slept=slept)
    assert served.gone == ["test-1"]
    assert [9 <= pause < 10 for pause in slept] == [True, True]


async def test_without_a_password_it_is_said_that_one_is_needed(clean, where):
    with pytest.raises(BaselardError, match=r"(GitLab|Docker Hub) lists and deletes for a token alone: give --passw"):
        await clean(Names(), where, who=None)


async def test_a_wrong_password_is_told_with_what_it_would_take(clean, where):
    served = Names()
    served.image("a", "test-1")
    with pytest.raises(BaselardError, match=r"(needs the scope api|must be those of an access token)"):
        await clean(served, where, who=Credential("me", "wrong"))
    assert served.gone == []


async def test_a_tag_that_gitlab_protects_stays_and_is_told(clean):
    served = Names(protected=("test-1",))
    served.image("a", "test-1")
    served.image("b", "test-2")
    said = await clean(served, AT_GITLAB)
    assert served.gone == ["test-2"]
    assert "GitLab keeps test-1: 403 Forbidden - Protected container tag" in said


async def test_a_jobs_token_goes_under_its_own_name_and_to_gitlab_alone(clean):
    served = Names()
    served.image("a", "test-1")
    await clean(served, AT_GITLAB, who=Credential("gitlab-ci-token", "secret"))
    assert served.gone == ["test-1"]
    told = {one.url.host for one in served.requests if {"job-token", "private-token"} & set(one.headers)}
    assert told == {"git.example.com"}


async def test_a_repository_that_gitlab_does_not_show_is_told(clean):
    served = Names()
    served.image("a", "test-1")
    with pytest.raises(BaselardError, match="GitLab shows this token no registry repository other/base"):
        await clean(served, parse_reference("registry.example.com/other/base"))


async def test_a_sign_in_that_ran_out_is_made_again(clean):
    served = Names()
    for number in range(5):
        served.image(f"{number}", f"test-{number}")
    await clean(served, AT_THE_HUB)
    assert len(served.gone) == 5 and served.signed_in == 3


@pytest.mark.parametrize(
    "sign_in", ["", 'Basic realm="x"', 'Bearer realm="https://auth.example.com/token",service="container_registry"']
)
async def test_a_registry_that_signs_in_elsewhere_is_no_gitlabs(clean, sign_in):
    """It is asked by the distribution API, and this one refuses."""
    served = Names(sign_in=sign_in)
    served.image("a", "test-1")
    with pytest.raises(BaselardError, match="this registry does not delete"):
        await clean(served, AT_GITLAB)
