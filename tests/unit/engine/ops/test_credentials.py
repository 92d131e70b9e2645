"""Secrets where they become credentials: whatever provider they come by, a final line end is not a part of them."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from baselard.engine.api.image import with_registry_auth
from baselard.engine.api.objects.secrets import SecretStore
from baselard.engine.errors import UserError
from baselard.engine.ops import credentials
from baselard.engine.ops.git import Remote

PROVIDERS = [
    "cmd://echo hunter2",
    "cmd://printf 'hunter2\\r\\n'",
    "file://token",
    "env://TOKEN",
    "cmd://printf hunter2",
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretStore:
    (tmp_path / "token").write_text("hunter2\n")
    monkeypatch.setenv("TOKEN", "hunter2\n")
    return SecretStore(tmp_path, b"salt")


async def _in_thread(call: Any, *args: Any) -> Any:
    return call(*args)


@pytest.mark.parametrize("uri", PROVIDERS)
def test_a_registrys_password(store: SecretStore, uri: str) -> None:
    known: dict[str, tuple[str, str]] = {}
    worker = SimpleNamespace(registry=SimpleNamespace(credentials=known))
    ctx: Any = SimpleNamespace(in_thread=_in_thread, session=SimpleNamespace(secrets=store, worker=worker))
    container: Any = object()
    secret = store.from_uri(uri)
    asyncio.run(with_registry_auth(ctx, container, address="reg.example", username="me", secret=secret))
    assert known == {"reg.example": ("me", "hunter2")}


@pytest.mark.parametrize("uri", PROVIDERS)
def test_a_git_servers_token_and_header(store: SecretStore, uri: str) -> None:
    ref = store.from_uri(uri).ref
    worker: Any = SimpleNamespace(secrets=store)
    access = Remote("https://git.example/a", "me", ref, ref).access(worker, "https://git.example/a")
    assert (access.token, access.header) == ("hunter2", "hunter2")


def test_what_commands_are_given_stays_as_it_is(store: SecretStore) -> None:
    assert store.plaintext(store.from_uri("file://token").ref.handle) == b"hunter2\n"


@pytest.mark.parametrize("kind", [credentials.password, credentials.header])
def test_bytes_that_are_no_text_are_told(kind: Any) -> None:
    with pytest.raises(UserError, match="not UTF-8"):
        kind(b"\xff\n")


@pytest.mark.parametrize(
    ("plaintext", "value"),
    [(b"Bearer a\n", "Bearer a"), (b" Bearer a \r\n", "Bearer a"), (b"Bearer a\n\n", "Bearer a")],
)
def test_a_headers_value_has_no_space_around_it(plaintext: bytes, value: str) -> None:
    """RFC 9110 section 5.5: a field value does not include leading or trailing whitespace."""
    assert credentials.header(plaintext) == value


@pytest.mark.parametrize("plaintext", [b"Bearer a\nCookie: b", b"a\r\nb\r\n", b"a\0b"])
def test_a_header_of_several_lines_is_refused(plaintext: bytes) -> None:
    with pytest.raises(UserError, match="more than one line"):
        credentials.header(plaintext)
