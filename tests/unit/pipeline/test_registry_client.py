"""The registry client against a registry that answers as told."""

import base64
import json

import anyio
import httpx
import pytest

from pipeline.errors import BaselardError
from pipeline.references import parse
from pipeline.registry import index
from pipeline.registry.client import Credentials, Repository, digest_of
from pipeline.registry.contents import read

pytestmark = pytest.mark.anyio

REFERENCE = parse("ghcr.io/acme/base")


@pytest.fixture
def waits(monkeypatch):
    """How long the client would have slept."""
    seen = []

    async def sleep(seconds):
        seen.append(seconds)

    monkeypatch.setattr(anyio, "sleep", sleep)
    return seen


def repository(answer, credentials=None):
    http = httpx.AsyncClient(base_url="https://ghcr.io", transport=httpx.MockTransport(answer))
    return Repository(http, REFERENCE, credentials or Credentials())


def in_turn(*answers):
    waiting = list(answers)

    def answer(request):
        one = waiting.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    return answer


async def test_tags_over_several_pages():
    link = {"Link": '</v2/acme/base/tags/list?n=500&last=b>; rel="next"'}
    pages = in_turn(
        httpx.Response(200, json={"tags": ["a", "b"]}, headers=link), httpx.Response(200, json={"tags": ["c"]})
    )
    assert await repository(pages).tags() == ["a", "b", "c"]


async def test_a_missing_repository_has_no_tags():
    assert await repository(lambda request: httpx.Response(404)).tags() == []


async def test_patience_is_as_long_as_the_registry_says(waits):
    busy = [httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(503), httpx.ConnectError("cut")]
    assert await repository(in_turn(*busy, httpx.Response(200, json={"tags": None}))).tags() == []
    assert waits == [7.0, 2.0, 4.0]


async def test_patience_ends(waits):
    with pytest.raises(BaselardError, match="answered by errors 5 times"):
        await repository(lambda request: httpx.Response(500)).tags()


async def test_an_unreachable_registry_is_named(waits):
    def cut(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(BaselardError, match=r"ghcr\.io/acme/base: cannot reach the registry: refused"):
        await repository(cut).tags()


async def test_a_bearer_challenge_is_answered_with_a_token():
    def answer(request):
        if request.url.host == "auth.test":
            assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()
            assert dict(request.url.params) == {"service": "ghcr.io", "scope": "repository:acme/base:pull"}
            return httpx.Response(200, json={"token": "abc"})
        if request.headers.get("Authorization") == "Bearer abc":
            return httpx.Response(200, json={"tags": ["x"]})
        challenge = 'Bearer realm="https://auth.test/token",service="ghcr.io",scope="repository:acme/base:pull"'
        return httpx.Response(401, headers={"WWW-Authenticate": challenge})

    assert await repository(answer, Credentials("me", "secret")).tags() == ["x"]


async def test_a_basic_challenge_is_answered():
    def answer(request):
        if "Authorization" in request.headers:
            return httpx.Response(200, json={"tags": ["x"]})
        return httpx.Response(401, headers={"WWW-Authenticate": "Basic realm=r"})

    assert await repository(answer, Credentials("me", "secret")).tags() == ["x"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_says_what_to_give(status):
    with pytest.raises(BaselardError, match="give --username and --password"):
        await repository(lambda request: httpx.Response(status)).tags()


async def test_a_registry_that_does_not_delete_says_so():
    with pytest.raises(BaselardError, match="does not delete"):
        await repository(lambda request: httpx.Response(405)).delete("sha256:" + "0" * 64)
    assert await repository(lambda request: httpx.Response(405)).delete("tag") is False


async def test_a_password_is_never_shown():
    assert "secret" not in repr(Credentials("me", "secret"))


def blob(document):
    body = json.dumps(document).encode()
    return digest_of(body), body


CONFIG, CONFIG_BYTES = blob(
    {"os": "linux", "architecture": "arm64", "variant": "v8", "created": "2026-01-01T00:00:00Z"}
)
IMAGE, IMAGE_BYTES = blob(
    {"config": {"digest": CONFIG, "size": len(CONFIG_BYTES)}, "layers": [{"digest": "l", "size": 9}]}
)
INDEX, INDEX_BYTES = blob({"manifests": [{"digest": IMAGE}]})
STORED = {CONFIG: CONFIG_BYTES, IMAGE: IMAGE_BYTES, INDEX: INDEX_BYTES, "v1": INDEX_BYTES}


def stored(**changes):
    def answer(request):
        path = request.url.path
        if path.endswith("/tags/list"):
            return httpx.Response(200, json={"tags": ["v1"]})
        name = path.rsplit("/", 1)[1]
        body = {**STORED, **changes}.get(name)
        if body is None or "/referrers/" in path:
            return httpx.Response(404)
        return httpx.Response(200, content=body, headers={"Docker-Content-Digest": INDEX if name == "v1" else name})

    return repository(answer)


async def test_what_is_published_is_read_back_with_its_digests():
    found = await index.read(stored(), "v1")
    assert found.digest == INDEX
    (image,) = found.platforms
    assert (image.platform, image.digest) == ("linux/arm64/v8", IMAGE)
    assert image.size == len(IMAGE_BYTES) + len(CONFIG_BYTES) + 9


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({IMAGE: IMAGE_BYTES + b" "}, "with bytes of"),
        ({CONFIG: b"{}"}, "is missing or damaged"),
        ({IMAGE: None}, "which is not there"),
    ],
)
async def test_damage_is_found(damage, said):
    with pytest.raises(BaselardError, match=said):
        await index.read(stored(**damage), "v1")


async def test_an_index_is_composed_by_platform():
    found = await index.read(stored(), "v1")
    other = index.PlatformImage("linux/amd64", "sha256:b", 1, media_type="m", manifest_size=2)
    document = json.loads(index.compose([*found.platforms, other]))
    assert [one["platform"] for one in document["manifests"]] == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm64", "variant": "v8"},
    ]
    with pytest.raises(BaselardError, match="two images for linux/amd64"):
        index.compose([other, other])


async def test_the_contents_are_walked_from_the_tags():
    contents = await read(stored())
    assert contents.tags == {"v1": INDEX}
    assert contents.manifests[INDEX].children == (IMAGE,)
    assert contents.manifests[IMAGE].created.year == 2026
