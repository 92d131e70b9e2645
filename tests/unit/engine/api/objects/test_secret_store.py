"""A session's secrets: what counts in keys, and what is told when one cannot be had."""

import hashlib
from pathlib import Path

import pytest

from baselard.engine.api.objects.secrets import SecretStore
from baselard.engine.errors import EngineError, UserError


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path, b"salt")


def test_a_set_secret_counts_by_plaintext_not_by_name(store: SecretStore, tmp_path: Path) -> None:
    one, two = store.set("s", b"1"), store.set("s", b"2")
    assert one.ref.identity != two.ref.identity
    assert one.ref.identity == store.set("other", b"1").ref.identity
    assert (store.plaintext(one.ref.handle), store.plaintext(two.ref.handle)) == (b"1", b"2")
    assert SecretStore(tmp_path, b"salt").set("s", b"1").ref == one.ref
    assert SecretStore(tmp_path, b"another store's").set("s", b"1").ref.identity != one.ref.identity


def test_neither_key_nor_handle_is_a_quick_hash(store: SecretStore) -> None:
    """RFC 7914's scrypt takes milliseconds and 4 MiB; a plain digest of the salt and a guess would take nothing."""
    ref = store.set("s", b"guess").ref
    for quick in (hashlib.sha256, hashlib.sha1, hashlib.md5):
        for text in (b"guess", b"saltguess", b"guesssalt"):
            assert quick(text).hexdigest() not in ref.identity + ref.handle


def test_a_secret_by_uri_counts_by_plaintext(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "same")
    monkeypatch.setenv("TWO", "same")
    monkeypatch.setenv("THREE", "other")
    one, two, three = (store.from_uri(f"env://{name}").ref.identity for name in ("ONE", "TWO", "THREE"))
    assert one == two != three
    assert "same" not in one


def test_a_secret_that_changes_is_the_one_it_was_named_for(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "first")
    first = store.from_uri("env://TOKEN").ref
    monkeypatch.setenv("TOKEN", "second")
    second = store.from_uri("env://TOKEN").ref
    assert first.identity != second.identity
    assert (store.plaintext(first.handle), store.plaintext(second.handle)) == (b"first", b"second")


def test_what_is_not_there_is_like_nothing_else(store: SecretStore) -> None:
    one, two = (store.from_uri("env://SURELY_NOT_SET").ref.identity for _ in range(2))
    assert one != two


def test_or_by_the_key_it_is_given(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "1")
    monkeypatch.setenv("TWO", "2")
    assert store.from_uri("env://ONE", "k").ref == store.from_uri("env://TWO", "k").ref


def test_where_secrets_come_from(store: SecretStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff raw\n")
    assert store.plaintext(store.from_uri("file://file").ref.handle) == b"\xff raw\n"
    assert store.plaintext(store.from_uri(f"file://{tmp_path}/file").ref.handle) == b"\xff raw\n"
    assert store.plaintext(store.from_uri("cmd://printf '%s' here").ref.handle) == b"here"


@pytest.mark.parametrize("uri", ["env://SURELY_NOT_SET", "file:///no/such", "cmd://exit 4", "file://~nobody-here/x"])
def test_a_failed_lookup_is_told_when_the_plaintext_is_needed(store: SecretStore, uri: str) -> None:
    secret = store.from_uri(uri)
    with pytest.raises(EngineError):
        store.plaintext(secret.ref.handle)


def test_a_vaults_secret_is_refused_when_it_is_needed(store: SecretStore) -> None:
    with pytest.raises(UserError, match=r"vault://.*cmd://"):
        store.plaintext(store.from_uri("vault://a").ref.handle)


@pytest.mark.parametrize(("uri", "says"), [("x://y", "unsupported"), ("plain", "malformed id")])
def test_unknown_schemes_are_told_at_once(store: SecretStore, uri: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        store.from_uri(uri)


def test_a_handle_of_another_session(store: SecretStore) -> None:
    with pytest.raises(UserError, match="not given to this session"):
        store.plaintext("handle")
