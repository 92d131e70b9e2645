"""Authentication, retries and paging, against registries played in memory."""

import base64
import itertools
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import parse_qs

import httpx
import pytest

from engine.registries import registry_http
from engine.registries.registry_auth import Credential
from engine.registries.registry_client import Repository
from engine.registries.registry_http import Connection, RegistryError

Play = Callable[[httpx.Request], httpx.Response]
SCOPE = "repository:app:pull"
CHALLENGE = 'Bearer realm="https://auth.example/token",service="reg.example",scope="repository:app:pull"'


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(registry_http, "_sleep", pauses.append)
    return pauses


def connected(play: Play, credential: Credential | None = None) -> Connection:
    connection = Connection("https://reg.example", credential)
    connection.client = httpx.Client(transport=httpx.MockTransport(play))
    return connection


def bearer(play: Play, tokens: list[httpx.Request], valid: list[str]) -> Play:
    """A registry that wants a token from auth.example; ``valid`` holds those it takes."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.example":
            tokens.append(request)
            valid.append(f"token-{len(tokens)}")
            return httpx.Response(200, json={"token": valid[-1]})
        if request.headers.get("authorization", "") not in [f"Bearer {token}" for token in valid]:
            return httpx.Response(401, headers={"www-authenticate": CHALLENGE})
        return play(request)

    return answer


def ok(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"tags": ["a"]})


def test_a_token_is_fetched_once_for_a_scope_with_the_password_for_its_server_alone() -> None:
    tokens: list[httpx.Request] = []
    connection = connected(bearer(ok, tokens, []), Credential("me", "secret"))
    for _ in range(3):
        connection.request("GET", "/v2/app/tags/list", scope=SCOPE)
    assert len(tokens) == 1
    assert dict(tokens[0].url.params) == {"service": "reg.example", "scope": SCOPE}
    assert tokens[0].headers["authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()
    connection.request("GET", "/v2/app/tags/list", scope="repository:app:pull,push repository:other:pull")
    assert tokens[1].url.params.get_list("scope") == ["repository:app:pull,push", "repository:other:pull"]


def test_without_a_credential_the_token_is_asked_for_anonymously() -> None:
    tokens: list[httpx.Request] = []
    connected(bearer(ok, tokens, [])).request("GET", "/v2/app/tags/list", scope=SCOPE)
    assert "authorization" not in tokens[0].headers


def test_an_identity_token_is_exchanged() -> None:
    tokens: list[httpx.Request] = []
    connection = connected(bearer(ok, tokens, []), Credential(identity_token="refresh"))
    connection.request("GET", "/v2/app/tags/list", scope=SCOPE)
    form = parse_qs(tokens[0].content.decode())
    assert (tokens[0].method, form["grant_type"], form["refresh_token"]) == ("POST", ["refresh_token"], ["refresh"])


def test_a_token_that_expired_is_fetched_anew() -> None:
    tokens: list[httpx.Request] = []
    valid: list[str] = []
    connection = connected(bearer(ok, tokens, valid))
    connection.request("GET", "/v2/app/tags/list", scope=SCOPE)
    valid.clear()
    connection.request("GET", "/v2/app/tags/list", scope=SCOPE)
    assert len(tokens) == 2


def test_a_token_server_that_refuses_ends_it() -> None:
    def play(request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.example":
            return httpx.Response(401, json={"errors": [{"code": "UNAUTHORIZED", "message": "bad password"}]})
        return httpx.Response(401, headers={"www-authenticate": CHALLENGE})

    with pytest.raises(RegistryError, match=r"UNAUTHORIZED bad password.*repository:app:pull.*signed in as me"):
        connected(play, Credential("me", "no")).request("GET", "/v2/app/tags/list", scope=SCOPE)


def test_our_credential_never_goes_to_another_host() -> None:
    """An upload may be sent elsewhere, and a blob redirected to a bucket."""
    seen: list[httpx.Request] = []

    def play(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.host == "reg.example" and "blobs" in request.url.path:
            if "authorization" not in request.headers:
                return httpx.Response(401, headers={"www-authenticate": 'Basic realm="r"'})
            return httpx.Response(307, headers={"location": "https://bucket.example/b"})
        return httpx.Response(200, stream=httpx.ByteStream(b"blob"))

    connection = connected(play, Credential("me", "secret"))
    name = "sha256:fa2c8cc4f28176bbeed4b736df569a34c79cd3723e9ec42f9674b4d46ac6b8b8"
    assert Repository(connection, "app").blob(name) == b"blob"
    connection.request("PUT", "https://elsewhere.example/upload", scope=SCOPE)
    assert {request.url.host for request in seen if "authorization" in request.headers} == {"reg.example"}


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("3", 3, 3.5), ("9999", 60, 60.5), ("soon", 0.3, 0.7), (formatdate(0, usegmt=True), 0, 0.5)],
)
def test_retry_after_is_waited_for_within_bounds(slept: list[float], value: str, least: float, most: float) -> None:
    answers = [httpx.Response(429, headers={"retry-after": value}), httpx.Response(200)]
    connected(lambda _: answers.pop(0)).request("GET", "/v2/", scope="")
    assert len(slept) == 1
    assert least <= slept[0] <= most


def test_pauses_grow_and_end(slept: list[float]) -> None:
    with pytest.raises(RegistryError, match="answered 503, 6 times in a row"):
        connected(lambda _: httpx.Response(503)).request("GET", "/v2/", scope="")
    assert len(slept) == 5
    assert all(later > earlier for earlier, later in itertools.pairwise(slept))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 416])
def test_what_will_not_pass_is_not_tried_again(slept: list[float], status: int) -> None:
    asked: list[int] = []

    def play(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(status)

    with pytest.raises(RegistryError) as caught:
        connected(play).request("GET", "/v2/x", scope="")
    assert (len(asked), slept, caught.value.status) == (1, [], status)


def test_tags_come_from_all_pages() -> None:
    def play(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("last") == "b":
            return httpx.Response(200, json={"tags": ["c"]})
        return httpx.Response(
            200, json={"tags": ["b", "a"]}, headers={"link": '</v2/app/tags/list?last=b>; rel="next"'}
        )

    assert Repository(connected(play), "app").tags() == ["a", "b", "c"]


def test_referrers_come_from_the_fallback_tag_of_an_older_registry() -> None:
    index = {"schemaVersion": 2, "manifests": [{"mediaType": "x", "digest": "sha256:" + "1" * 64, "size": 1}]}

    def play(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/manifests/sha256-" + "2" * 64):
            return httpx.Response(200, json=index, headers={"content-type": "application/vnd.oci.image.index.v1+json"})
        return httpx.Response(404)

    found = Repository(connected(play), "app").referrers("sha256:" + "2" * 64)
    assert [entry.digest for entry in found] == ["sha256:" + "1" * 64]
