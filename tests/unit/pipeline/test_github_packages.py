"""Cleaning up on GitHub's registry, where versions of a package are deleted instead of manifests.

Judge: GitHub's documentation of its REST API for packages and of its rate limits, played by a server in memory: shapes,
pages of `Link`, `Retry-After`, errors and their words. The registry half refuses every DELETE with 405, as theirs does.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from baselard.oci.registry import connection
from baselard.oci.registry.credential import Credential
from baselard.oci.registry.repository import Repository
from pipeline.errors import BaselardError
from pipeline.references import parse_reference
from pipeline.registry import cleaning, github
from pipeline.registry.cleaning import CleaningPolicy
from pipeline.registry.client import AwaitedRepository

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 28, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=30), NOW - timedelta(hours=1)
REFERENCE = parse_reference("ghcr.io/acme/team/base")
TOKEN = Credential("me", "t0ken")
INDEX, MANIFEST = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass
class GitHub:
    """ghcr.io and api.github.com over the same versions; ``deleted`` has the digests in their order."""

    kind: str = "Organization"
    may_delete: bool = True
    manifests: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    trouble: list[httpx.Response] = field(default_factory=list)
    undeletable: tuple[str, ...] = ()

    def put(self, document: dict[str, Any], *tags: str) -> str:
        body = json.dumps({"schemaVersion": 2, **document}).encode()
        digest = digest_of(body)
        self.manifests[digest] = body
        self.ids.setdefault(digest, len(self.ids) + 1)
        self.tags.update(dict.fromkeys(tags, digest))
        return digest

    def image(self, text: str, *tags: str, made: datetime = OLD, **more) -> str:
        said = {"org.opencontainers.image.created": made.isoformat(), "text": text}
        return self.put({"mediaType": MANIFEST, "layers": [], "annotations": said, **more}, *tags)

    def index(self, children, *tags: str, made: datetime = OLD) -> str:
        said = {"org.opencontainers.image.created": made.isoformat()}
        listed = [{"digest": one, "mediaType": MANIFEST, "size": 1} for one in children]
        return self.put({"mediaType": INDEX, "manifests": listed, "annotations": said}, *tags)

    def refer(self, subject: str, text: str, made: datetime = OLD) -> str:
        """A referrer and the list under the fallback tag: GitHub's registry has no API for them."""
        one = self.image(text, subject={"digest": subject, "mediaType": MANIFEST, "size": 1}, made=made)
        tag = subject.replace(":", "-")
        before = json.loads(self.manifests[self.tags[tag]])["manifests"] if tag in self.tags else []
        self.index([*(entry["digest"] for entry in before), one], tag, made=made)
        return one

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host == "api.github.com":
            return self.trouble.pop() if self.trouble else self.api(request)
        return self.registry(request)

    def registry(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if request.url.path.endswith("/tags/list"):
            return httpx.Response(200, json={"tags": list(self.tags)})
        if request.method == "DELETE":
            return httpx.Response(405, json={"errors": [{"code": "UNSUPPORTED"}]})
        if request.method == "PUT":
            self.put({key: one for key, one in json.loads(request.content).items() if key != "schemaVersion"}, name)
            return httpx.Response(201, headers={"docker-content-digest": self.tags[name]})
        body = self.manifests.get(self.tags.get(name, name))
        if body is None or "/referrers/" in request.url.path:
            return httpx.Response(404)
        return httpx.Response(200, content=body, headers={"content-type": json.loads(body)["mediaType"]})

    def api(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer t0ken"
        path = request.url.raw_path.decode().partition("?")[0]
        if path == "/users/acme":
            return httpx.Response(200, json={"login": "acme", "type": self.kind})
        place = "orgs" if self.kind == "Organization" else "users"
        found = re.fullmatch(rf"/{place}/acme/packages/container/team%2Fbase/versions(?:/(\d+))?", path)
        if not found:
            return httpx.Response(404, json={"message": "Package not found."})
        return self.remove(int(found[1])) if request.method == "DELETE" else self.page(request)

    def page(self, request: httpx.Request) -> httpx.Response:
        size, number = int(request.url.params["per_page"]), int(request.url.params.get("page", "1"))
        newest = sorted(self.ids.items(), key=lambda pair: -pair[1])
        part = newest[(number - 1) * size : number * size]
        more = number * size < len(newest)
        link = f'<{request.url.copy_set_param("page", number + 1)}>; rel="next"' if more else ""
        return httpx.Response(200, json=[self.version(*one) for one in part], headers={"link": link} if link else {})

    def version(self, digest: str, number: int) -> dict[str, Any]:
        tags = [tag for tag, one in self.tags.items() if one == digest]
        container = {"package_type": "container", "container": {"tags": tags}}
        return {"id": number, "name": digest, "metadata": container, "created_at": "2026-01-01T00:00:00Z"}

    def remove(self, number: int) -> httpx.Response:
        if not self.may_delete:
            return httpx.Response(403, json={"message": "You need at least delete:packages scope to delete a package."})
        digest = next(one for one, known in self.ids.items() if known == number)
        tagged = set(self.tags.values())
        if digest in self.undeletable:
            said = "Publicly visible package versions with more than 5000 downloads cannot be deleted."
            return httpx.Response(400, json={"message": said})
        if tagged == {digest}:
            said = "You cannot delete the last tagged version of a package. You must delete the package instead."
            return httpx.Response(400, json={"message": said})
        self.deleted.append(digest)
        del self.ids[digest], self.manifests[digest]
        self.tags = {tag: one for tag, one in self.tags.items() if one != digest}
        return httpx.Response(204)


@pytest.fixture
def slept(monkeypatch) -> Iterator[list[float]]:
    pauses: list[float] = []
    yield pauses


@pytest.fixture
def clean(monkeypatch, slept):
    """Clean up a GitHub; the report."""

    async def run(served: GitHub, *, apply=True, orphans=False, credential=TOKEN, **policy) -> str:
        played = partial(
            connection.Connection, transport=httpx.MockTransport(served), sleep=slept.append, say=lambda _: None
        )

        @asynccontextmanager
        async def connect(reference, _credential):
            yield AwaitedRepository(Repository(played(reference.api_url), reference.repository))

        monkeypatch.setattr(github, "Connection", lambda base, say: played(base))
        monkeypatch.setattr(cleaning, "connect", connect)
        chosen = CleaningPolicy(("test-*",), orphans=orphans, **policy)
        return await cleaning.clean_up(REFERENCE, credential, chosen, apply=apply)

    return run


@pytest.mark.parametrize("kind", ["Organization", "User"])
async def test_of_a_thousand_versions_with_shared_children_exactly_those_go_that_nothing_kept_needs(clean, kind):
    served = GitHub(kind)
    children = [served.image(f"child {number}") for number in range(300)]
    kept, gone = set(), set()
    for number in range(200):  # each index shares a child with its neighbours
        parts = [children[number], children[number + 1]]
        if number % 4:
            gone.add(served.index(parts, f"test-{number}"))
        else:
            kept |= {served.index(parts, f"v{number}"), *parts}
    named = {children[number] for number in range(201)}
    stand_alone = [served.image(f"image {number}", f"test-x{number}") for number in range(200)]
    gone |= {*stand_alone, *(named - kept)}
    for number, subject in enumerate([*stand_alone[:50], *sorted(kept)[:50]]):
        one = served.refer(subject, f"signature {number}")
        listed = served.tags[subject.replace(":", "-")]
        (gone if subject in gone else kept).update({one, listed})
    pinned = {served.image(f"untagged {number}") for number in range(200)}
    before = set(served.ids)
    assert len(before) >= 1000
    said = await clean(served)
    assert set(served.deleted) == gone
    assert set(served.ids) == before - gone >= kept | pinned
    assert f"deleted: {len([tag for tag in range(200) if tag % 4]) + 200 + 50} tags, {len(gone)} manifests" in said


async def test_a_dry_run_deletes_nothing(clean):
    served = GitHub()
    served.image("a", "test-1")
    assert "would delete (dry run; add --apply): 1 tags, 1 manifests" in await clean(served, apply=False)
    assert served.deleted == []


async def test_a_name_beside_a_kept_one_goes_alone(clean):
    """GitHub deletes a version with all its tags: the name is moved to an empty index first."""
    served = GitHub()
    image = served.image("a", "v1", "test-1")
    await clean(served)
    assert served.tags == {"v1": image}
    assert image in served.manifests and len(served.deleted) == 1


async def test_an_image_goes_before_what_refers_to_it_and_a_list_before_what_it_lists(clean):
    served = GitHub()
    served.image("stays", "v1")
    child = served.image("child")
    index = served.index([child], "test-1")
    signature = served.refer(child, "signature")
    listed = served.tags[child.replace(":", "-")]
    await clean(served)
    assert served.deleted == [index, child, listed, signature]


async def test_what_github_never_lets_go_is_told_and_the_rest_goes(clean):
    served = GitHub()
    popular, other = served.image("popular", "test-1"), served.image("other", "test-2")
    served.image("stays", "v1")
    served.undeletable = (popular,)
    said = await clean(served)
    assert served.deleted == [other]
    assert f"GitHub keeps {popular[:19]}: Publicly visible package versions with more than 5000 downloads" in said


async def test_the_last_tagged_version_stays_and_is_told(clean):
    served = GitHub()
    served.image("a", "test-1")
    assert "You cannot delete the last tagged version" in await clean(served)
    assert served.deleted == []


async def test_a_token_that_may_not_delete_is_told_what_to_add(clean):
    served = GitHub(may_delete=False)
    served.image("a", "test-1")
    with pytest.raises(
        BaselardError, match=r"delete acme/team/base \(403 You need.*needs read:packages and delete:pack"
    ):
        await clean(served)


async def test_a_package_that_the_token_does_not_see_is_told_as_such(clean):
    served = GitHub()
    served.image("a", "test-1")
    served.trouble.append(httpx.Response(404, json={"message": "Not Found"}))
    with pytest.raises(BaselardError, match=r"look up acme/team/base \(404 Not Found\)"):
        await clean(served)


async def test_without_a_token_it_is_said_that_one_is_needed(clean):
    with pytest.raises(BaselardError, match="for a token alone: give --password"):
        await clean(GitHub(), credential=None)


@pytest.mark.parametrize("status", [403, 429])
async def test_rate_limits_are_waited_for_as_long_as_github_says(clean, slept, status):
    served = GitHub()
    served.image("stays", "v1")
    image = served.image("a", "test-1")
    said = {"message": "You have exceeded a secondary rate limit."}
    served.trouble += [httpx.Response(status, json=said, headers={"retry-after": "7"}) for _ in range(2)]
    await clean(served)
    assert served.deleted == [image]
    assert [7 <= pause < 8 for pause in slept] == [True, True]


async def test_the_token_goes_to_github_alone(clean):
    served = GitHub()
    served.image("a", "test-1")
    elsewhere = httpx.Response(200, json=[], headers={"link": '<https://evil.example/versions>; rel="next"'})
    served.trouble += [elsewhere, httpx.Response(200, json={"type": "User"})]
    with pytest.raises(BaselardError, match="names a next page elsewhere"):
        await clean(served)
    assert {one.url.host for one in served.requests if "authorization" in one.headers} == {"api.github.com"}


async def test_orphans_are_what_refers_to_images_that_are_gone(clean):
    served = GitHub()
    stays = served.image("stays", "v1")
    kept = served.refer(stays, "kept signature")
    pinned = served.image("pinned by digest")
    about_pinned = served.refer(pinned, "its signature")
    lost = "sha256:" + "7" * 64
    listed_orphan = served.refer(lost, "of a lost image")
    bare_orphan = served.image("of another lost image", subject={"digest": "sha256:" + "8" * 64})
    cosign = served.image("signature", f"sha256-{'9' * 64}.sig")
    young = served.image("young orphan", subject={"digest": "sha256:" + "6" * 64}, made=datetime.now(UTC))
    list_of_orphans = served.tags[lost.replace(":", "-")]
    await clean(served)
    assert served.deleted == []
    await clean(served, orphans=True, age=timedelta(days=7))
    assert set(served.deleted) == {listed_orphan, bare_orphan, cosign, list_of_orphans}
    assert {stays, kept, pinned, about_pinned, young} <= set(served.manifests)
