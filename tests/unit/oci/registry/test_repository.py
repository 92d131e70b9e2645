"""Authentication, retries and paging, against registries played in memory."""

import base64
import hashlib
import io
import itertools
import socket
import ssl
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from baselard.oci.errors import DistributionError, RefusedError, UnreachedError, UntrustedError
from baselard.oci.registry import retry
from baselard.oci.registry.connection import Connection
from baselard.oci.registry.credential import Credential
from baselard.oci.registry.repository import Repository

Play = Callable[[httpx.Request], httpx.Response]
SCOPE = "repository:app:pull"
CHALLENGE = 'Bearer realm="https://auth.example/token",service="reg.example",scope="repository:app:pull"'


def connected(play: Play, credential: Credential | None = None, **more: Any) -> Connection:
    return Connection("https://reg.example", credential, transport=httpx.MockTransport(play), **more)


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

    with pytest.raises(RefusedError, match=r"UNAUTHORIZED bad password.*repository:app:pull.*signed in as me"):
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
def test_retry_after_is_waited_for_within_bounds(value: str, least: float, most: float) -> None:
    answers = [httpx.Response(429, headers={"retry-after": value}), httpx.Response(200)]
    slept: list[float] = []
    connected(lambda _: answers.pop(0), sleep=slept.append).request("GET", "/v2/", scope="")
    assert len(slept) == 1
    assert least <= slept[0] <= most


def test_pauses_grow_and_end_and_are_told_of() -> None:
    slept: list[float] = []
    said: list[str] = []
    with pytest.raises(RefusedError, match="answered 503, 6 times in a row"):
        connected(lambda _: httpx.Response(503), sleep=slept.append, say=said.append).request("GET", "/v2/", scope="")
    assert len(slept) == len(said) == 5
    assert said[0].startswith("reg.example: GET answered 503; trying again in 0.")
    assert all(later > earlier for earlier, later in itertools.pairwise(slept))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 416])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    asked: list[int] = []
    slept: list[float] = []

    def play(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(status)

    with pytest.raises(RefusedError) as caught:
        connected(play, sleep=slept.append).request("GET", "/v2/x", scope="")
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
    assert [entry["digest"] for entry in found] == ["sha256:" + "1" * 64]


def test_referrers_of_a_registry_that_answers_with_a_page_for_people() -> None:
    def play(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>") if "/referrers/" in request.url.path else httpx.Response(404)

    assert Repository(connected(play), "app").referrers("sha256:" + "2" * 64) == []


def test_tags_that_are_no_json_are_told_as_such() -> None:
    with pytest.raises(DistributionError, match="not a JSON object"):
        Repository(connected(lambda _: httpx.Response(200, text="<html>")), "app").tags()


def test_what_is_not_there_is_an_answer() -> None:
    repository = Repository(connected(lambda _: httpx.Response(404)), "app")
    assert (repository.tags(), repository.manifest("1"), repository.resolve("1")) == ([], None, None)
    assert (repository.blob("sha256:" + "0" * 64), repository.referrers("sha256:" + "0" * 64)) == (None, [])
    assert (repository.delete("1"), repository.blobs.has("sha256:" + "0" * 64)) == (False, False)


def test_a_registry_that_does_not_delete_says_so_and_one_that_does_not_untag_answers_no() -> None:
    repository = Repository(connected(lambda _: httpx.Response(405)), "app")
    assert repository.delete("tag") is False
    with pytest.raises(RefusedError, match=r"does not delete.*REGISTRY_STORAGE_DELETE_ENABLED"):
        repository.delete("sha256:" + "0" * 64)


@pytest.mark.parametrize("target", ["1", "sha256:" + "0" * 64])
def test_a_manifest_of_other_bytes_is_refused(target: str) -> None:
    headers = {"docker-content-digest": "sha256:" + "0" * 64}
    with pytest.raises(DistributionError, match=r"answered sha256:0+ with bytes of sha256:44136f"):
        Repository(connected(lambda _: httpx.Response(200, content=b"{}", headers=headers)), "app").manifest(target)


def test_a_stored_manifest_of_other_bytes_is_found_out() -> None:
    headers = {"docker-content-digest": "sha256:" + "0" * 64}
    with pytest.raises(DistributionError, match="the registry stored sha256:000"):
        Repository(connected(lambda _: httpx.Response(201, headers=headers)), "app").put_manifest("1", "x", b"{}")


def test_a_registry_that_is_cut_off_every_time_is_named() -> None:
    def cut(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(UnreachedError, match=r"reg\.example cannot be reached: refused"):
        Repository(connected(cut, sleep=lambda _: None), "app").tags()


def unreachable(reason: OSError) -> tuple[Play, list[str]]:
    """A registry to which no connection is made, as httpx tells it, and what was asked of it."""
    asked: list[str] = []

    def play(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ConnectError(str(reason)) from reason

    return play, asked


@pytest.mark.parametrize("insist", [True, False])
@pytest.mark.parametrize(
    "reason", [ConnectionRefusedError(111, "refused"), socket.gaierror(socket.EAI_NONAME, "no name")]
)
def test_where_nobody_is_is_asked_again_only_on_purpose(reason: OSError, insist: bool) -> None:
    play, asked = unreachable(reason)
    with pytest.raises(UnreachedError):
        Repository(connected(play, sleep=lambda _: None, insist=insist), "app").tags()
    assert len(asked) == (retry.ATTEMPTS if insist else 1)


@pytest.mark.parametrize(
    "reason",
    [ConnectionResetError(104, "reset"), socket.gaierror(socket.EAI_AGAIN, "later"), ssl.SSLEOFError(8, "EOF")],
)
def test_what_may_pass_is_asked_again_in_any_case(reason: OSError) -> None:
    play, asked = unreachable(reason)
    with pytest.raises(UnreachedError):
        Repository(connected(play, sleep=lambda _: None, insist=False), "app").tags()
    assert len(asked) == retry.ATTEMPTS


def test_a_certificate_that_is_not_trusted_is_no_silence_and_asked_for_once() -> None:
    play, asked = unreachable(ssl.SSLCertVerificationError(1, "certificate verify failed"))
    with pytest.raises(UntrustedError, match=r"reg\.example is not trusted.*certificate"):
        Repository(connected(play, sleep=lambda _: None), "app").tags()
    assert len(asked) == 1


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(connected(ok, Credential("me", "secret")))


# downloads

BODY = bytes(range(256)) * 1000
NAME = "sha256:" + hashlib.sha256(BODY).hexdigest()


class Cut(httpx.SyncByteStream):
    """Half of what is asked for, then nothing more."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Any:
        yield self.body[: len(self.body) // 2]
        raise httpx.ReadError("cut")


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_goes_on_where_it_was_broken_off(ranges: bool) -> None:
    asked: list[str] = []

    def play(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("range", ""))
        start = int(asked[-1][6:-1]) if asked[-1] and ranges else 0
        rest = BODY[start:]
        status = 206 if start else 200
        return httpx.Response(status, stream=Cut(rest) if len(asked) < 3 else httpx.ByteStream(rest))

    file = io.BytesIO()
    Repository(connected(play, sleep=lambda _: None), "app").blobs.get(NAME, file, len(BODY))
    assert file.getvalue() == BODY
    assert asked == (["", "bytes=128000-", "bytes=192000-"] if ranges else ["", "bytes=128000-", "bytes=128000-"])


def test_a_download_of_other_bytes_or_of_too_many_is_refused() -> None:
    blobs = Repository(connected(lambda _: httpx.Response(200, stream=httpx.ByteStream(BODY))), "app").blobs
    with pytest.raises(DistributionError, match="other bytes"):
        blobs.get("sha256:" + "0" * 64, io.BytesIO(), len(BODY))
    with pytest.raises(DistributionError, match="more than the 10 bytes"):
        blobs.get(NAME, io.BytesIO(), 10)


def asked(challenges: list[str], credential: Credential | None = None) -> tuple[list[httpx.Request], httpx.Response]:
    """Every request that one GET led to at a registry that sends these challenges, and its last answer."""
    seen: list[httpx.Request] = []

    def play(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/tok":
            return httpx.Response(200, json={"access_token": "t"})
        if request.headers.get("authorization"):
            return httpx.Response(200, json={})
        return httpx.Response(401, headers=[("WWW-Authenticate", one) for one in challenges])

    return seen, connected(play, credential).request("GET", "/v2/", scope="s:a:pull", allow=(401,))


@pytest.mark.parametrize(
    ("challenges", "url"),
    [
        (['BEARER realm="https://h/tok?x=1,2" , Service="a, b=c"'], "https://h/tok?x=1%2C2&service=a%2C+b%3Dc&scope=s%3Aa%3Apull"),
        (["Bearer realm=https://h/tok,service=gcr.io"], "https://h/tok?service=gcr.io&scope=s%3Aa%3Apull"),
        (['Bearer realm="https://h/tok"'], "https://h/tok?scope=s%3Aa%3Apull"),
        (['Bearer realm="/tok"'], "https://reg.example/tok?scope=s%3Aa%3Apull"),
        (['Bearer realm="https://h/tok?scope=x"'], "https://h/tok?scope=x&scope=s%3Aa%3Apull"),
        (['Basic realm="r", Bearer realm="https://h/tok"'], "https://h/tok?scope=s%3Aa%3Apull"),
        (['Negotiate', 'Basic realm="r"', 'Bearer realm="https://h/tok"'], "https://h/tok?scope=s%3Aa%3Apull"),
    ],
)  # fmt: skip
def test_the_token_service_is_asked_as_the_challenge_has_it(challenges: list[str], url: str) -> None:
    """As docker asks it: what the realm's own query says stays, what we have to say is added."""
    seen, reply = asked(challenges, Credential("me", "secret"))
    assert str(seen[1].url) == url
    assert (seen[2].headers["authorization"], reply.status_code) == ("Bearer t", 200)


@pytest.mark.parametrize("challenges", [["bAsIc realm=r"], ["Negotiate, Basic realm=r"], ["Bearer", 'Basic realm="r"']])
def test_a_password_is_given_where_no_token_can_be_had(challenges: list[str]) -> None:
    seen, reply = asked(challenges, Credential("me", "secret"))
    assert seen[1].headers["authorization"] == Credential("me", "secret").basic
    assert reply.status_code == 200


@pytest.mark.parametrize("challenges", [[], ["Negotiate"], ["Bearer"], ['Basic realm="r"'], ['Basic realm="r']])
def test_a_challenge_that_cannot_be_met_is_a_refusal(challenges: list[str]) -> None:
    seen, reply = asked(challenges)
    assert (len(seen), reply.status_code) == (1, 401)


@pytest.mark.parametrize(
    ("realm", "answer", "said"),
    [
        ("https://h:nine/t", "", "a token service that is not an address"),
        ("ftp://h/t", "", "a token service that is not an address"),
        ("https://h/t", "<html>", "https://h/t.* is not a token"),
        ("https://h/t", "[]", "https://h/t.* is not a token"),
    ],
)
def test_a_token_service_that_makes_no_sense_is_told(realm: str, answer: str, said: str) -> None:
    def play(request: httpx.Request) -> httpx.Response:
        if request.url.host == "h":
            return httpx.Response(200, text=answer)
        return httpx.Response(401, headers={"www-authenticate": f'Bearer realm="{realm}"'})

    with pytest.raises(DistributionError, match=said):
        connected(play).request("GET", "/v2/", scope="")


def test_a_media_type_is_read_without_its_parameters_in_any_case() -> None:
    def play(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="{}", headers={"content-type": "Application/vnd.OCI.image.index.v1+JSON ; a=b"})

    answer = Repository(connected(play), "app").manifest("latest")
    assert answer
    assert answer.media_type == "application/vnd.oci.image.index.v1+json"
