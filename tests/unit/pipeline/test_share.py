"""Ways of sharing: what is chosen, what it costs to choose wrongly, and what is left behind."""

from types import SimpleNamespace

import pytest

from pipeline import share
from pipeline.clock import Clock
from pipeline.errors import BaselardError
from pipeline.model import Verdict
from pipeline.publish import publication
from pipeline.references import parse_reference
from pipeline.registry.index import PlatformImage
from pipeline.share import Account, Handed, Sharing

pytestmark = pytest.mark.anyio
DIGEST = "sha256:" + "a" * 64


class FakeContainer:
    async def sync(self):
        return self


async def test_object_hands_nothing_over():
    assert share.choose("object", Account(), "test-1", Clock()) is None


@pytest.mark.parametrize(
    ("way", "said"), [("sneaker-net", "there are object, registry, archive, rebuild"), ("registry", "needs --registry")]
)
async def test_a_way_that_cannot_work_is_refused_before_any_build(way, said):
    with pytest.raises(BaselardError, match=said):
        share.choose(way, Account(), "test-1", Clock())


@pytest.mark.parametrize(("there", "verdict"), [(DIGEST, Verdict.PASSED), ("sha256:other", Verdict.FAILED)])
async def test_what_a_hand_over_took_is_reported(monkeypatch, there, verdict):
    async def identify(container):
        return PlatformImage("linux/amd64", there, 1)

    monkeypatch.setattr(share.archive, "identify", identify)
    handed = Handed("archive", archive="0.tar", digest=DIGEST, bytes=1_234_000, seconds=0.5)
    taken = await share.timed("a/b:standard", handed, FakeContainer().sync(), Clock())
    assert taken.suite.name == "a/b:standard by archive"
    assert taken.suite.properties == {"bytes": 1_234_000, "digest": there, "share": "archive", "given": 0.5}
    assert taken.suite.verdict is verdict
    assert "1.2 MB, given in 0.5 s" in taken.suite.cases[0].message


async def test_how_a_list_names_what_was_handed_over():
    handed = Handed("archive", archive="0.tar", digest=DIGEST, bytes=1_234_000, seconds=0.5)
    assert Handed(**handed.entry) == handed  # type: ignore[arg-type]
    assert Handed("rebuild").entry == {"share": "rebuild"}


async def test_a_test_tag_that_stays_is_a_failure_of_the_report(monkeypatch):
    class Refusing:
        async def __aenter__(self):
            raise BaselardError("this registry does not delete")

        async def __aexit__(self, *_):
            return None

    monkeypatch.setattr(share, "connect", lambda reference, credentials: Refusing())
    sharing = Sharing("registry", "test-1", Clock(), Account(), pushed=[parse_reference(f"a/b:test-1@{DIGEST}")])
    await sharing.clean()
    assert sharing.suites[0].verdict is Verdict.FAILED
    assert sharing.suites[0].cases[0].message == "this registry does not delete"


async def test_without_a_password_requests_are_anonymous():
    assert await Account("a/b").credentials() is None


async def test_parts_of_a_merge():
    parts = [f"standard=a/b@{DIGEST}", f"standard=a/c@{DIGEST}", f"dev=a/b@{DIGEST}"]
    assert {target: len(found) for target, found in publication.grouped(parts).items()} == {"standard": 2, "dev": 1}
    for bad in ("standard", "standard=a/b:tag"):
        with pytest.raises(BaselardError, match="write TARGET=REFERENCE@DIGEST"):
            publication.grouped([bad])


class Plain:
    def __init__(self, text):
        self.text = text

    async def plaintext(self):
        return self.text


class SignedIn:
    """A container that keeps what it is given to sign in with."""

    def with_registry_auth(self, address, username, secret):
        return address, username, secret.text


@pytest.mark.parametrize("text", ["hunter2", "hunter2\n", "hunter2\r\n"])
async def test_a_password_that_ends_with_a_line_signs_in_as_docker_login_would(monkeypatch, text):
    """For our own requests and for the engine's, whichever engine that is: the secret itself is trimmed."""
    monkeypatch.setattr(share, "dag", SimpleNamespace(set_secret=lambda _, plaintext: Plain(plaintext)))
    account = Account("ghcr.io/acme/base", "me", Plain(text))  # type: ignore[arg-type]
    assert await account.login(SignedIn()) == ("ghcr.io", "me", "hunter2")  # type: ignore[arg-type]
    assert (await account.credentials()).password == "hunter2"
