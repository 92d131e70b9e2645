"""What a registry holds, as the pipeline sees it, from a registry that answers as told."""

import http.server
import json
import threading
from datetime import UTC, datetime

import httpx
import pytest

from baselard.oci import digests
from baselard.oci.registry import repository as repositories
from baselard.oci.registry.connection import Connection
from baselard.oci.registry.credential import Credential
from pipeline.errors import BaselardError
from pipeline.references import parse_reference
from pipeline.registry import client, index
from pipeline.registry.client import AwaitedRepository, as_pulled
from pipeline.registry.contents import _manifest, read

pytestmark = pytest.mark.anyio

REFERENCE = parse_reference("ghcr.io/acme/base")


def repository(answer, credential=None):
    connection = Connection(REFERENCE.api_url, credential, transport=httpx.MockTransport(answer), remedy=client._REMEDY)
    return AwaitedRepository(repositories.Repository(connection, REFERENCE.repository))


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_says_what_to_give(status):
    with pytest.raises(BaselardError, match=r"repository:acme/base:pull, we are signed in as me\. Give --username"):
        await repository(lambda request: httpx.Response(status), Credential("me", "secret")).tags()


async def test_what_is_tried_again_is_said_on_standard_error(capsys):
    answers = [httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(200, json={"tags": ["a"]})]
    connection = Connection(
        REFERENCE.api_url,
        say=client.say,
        sleep=lambda _: None,
        transport=httpx.MockTransport(lambda _: answers.pop(0)),
    )
    assert await AwaitedRepository(repositories.Repository(connection, "a")).tags() == ["a"]
    assert "ghcr.io: GET answered 503; trying again" in capsys.readouterr().err


def blob(document):
    body = json.dumps(document).encode()
    return digests.of_bytes(body), body


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
        return httpx.Response(
            200, stream=httpx.ByteStream(body), headers={"Docker-Content-Digest": INDEX if name == "v1" else name}
        )

    return repository(answer)


async def test_what_is_published_is_read_back_with_its_digests():
    found = await index.read(stored(), "v1")
    assert found.digest == INDEX
    (image,) = found.platforms
    assert (image.platform, image.digest) == ("linux/arm64/v8", IMAGE)
    assert image.size == len(IMAGE_BYTES) + len(CONFIG_BYTES) + 9
    assert image.layers_size == 9


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({IMAGE: IMAGE_BYTES + b" "}, "with bytes of"),
        ({CONFIG: b"{}"}, "sent other bytes"),
        ({CONFIG: None}, "is missing"),
        ({IMAGE: None}, "which is not there"),
    ],
)
async def test_damage_is_found(damage, said):
    with pytest.raises(BaselardError, match=said):
        await index.read(stored(**damage), "v1")


def of_config(content):
    """An image whose config has this content, at the tag v1."""
    image, body = blob({"config": {"digest": digests.of_bytes(content), "size": len(content)}, "layers": []})
    outer, index_body = blob({"manifests": [{"digest": image}]})
    return {digests.of_bytes(content): content, image: body, outer: index_body, "v1": index_body}


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (of_config(b"no json"), "its config sha256:.* is not a JSON object"),
        (of_config(b"[1]"), r"its config sha256:.* is not a JSON object: \[1\]"),
    ],
)
async def test_what_is_no_image_is_told_and_is_no_bug(kept, said):
    """Registries look into manifests alone: a config may be anything."""
    with pytest.raises(BaselardError, match=said):
        await index.read(stored(**kept), digests.of_bytes(kept["v1"]))


async def test_an_index_inside_an_index_is_no_image():
    """The image specification allows it; docker does not pull one either."""
    outer, body = blob({"manifests": [{"digest": INDEX}]})
    with pytest.raises(BaselardError, match=f"{INDEX} is an index inside an index"):
        await index.read(stored(**{outer: body}), outer)


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


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("2026-01-02T03:04:05+01:00", datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("some day", None),
    ],
)
async def test_the_age_is_what_a_label_says_if_it_is_a_time(written, time):
    """Anybody writes labels: one without a zone is compared with others, one that is no time stops nothing."""
    config, config_body = blob({"config": {"Labels": {"org.opencontainers.image.created": written}}})
    image, body = blob({"config": {"digest": config, "size": len(config_body)}, "layers": []})
    kept = stored(**{config: config_body, image: body})
    answer = await kept.manifest(image)
    assert (await _manifest(kept, image, answer)).created == time


async def test_the_engine_answers_for_a_registry_with_its_own_sentence(monkeypatch):
    """As baselard.engine.api.server does; test_server.py has the other half."""
    asked = []

    class Engine(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            known = self.headers.get("Authorization") is not None
            self.send_response(422 if known else 401)
            if not known:
                self.send_header("WWW-Authenticate", 'Basic realm="session"')
            body = json.dumps({"errors": [{"message": "a/b:1: sign in"}]}).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("BASELARD_REGISTRIES", "session")
        monkeypatch.setenv("DAGGER_SESSION_PORT", str(running.server_port))
        monkeypatch.setenv("DAGGER_SESSION_TOKEN", "t0ken")
        async with as_pulled(parse_reference("ghcr.io/a/b:1")) as engine:
            with pytest.raises(BaselardError) as raised:
                await engine.manifest("1")
        running.shutdown()
    assert str(raised.value) == "a/b:1: sign in"
    assert asked == [("/v2/a/b/manifests/1", None), ("/v2/a/b/manifests/1", Credential("t0ken", "ghcr.io").basic)]
