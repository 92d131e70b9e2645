"""A session's secrets: what counts in keys, and what is told when one cannot be had."""

from pathlib import Path

import pytest

from baselard.engine.api.objects.secrets import SecretStore
from baselard.engine.errors import EngineError, UserError


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path, b"salt")


def test_a_set_secret_counts_by_name_not_by_plaintext(store: SecretStore) -> None:
    one = store.set("s", b"1", namespace="main")
    two = store.set("s", b"2", namespace="main")
    assert one.ref == two.ref
    assert one.ref.identity != store.set("s", b"1", namespace="module").ref.identity
    assert (store.plaintext(one.ref.handle), store.plaintext(two.ref.handle)) == (b"1", b"2")


def test_a_secret_by_uri_counts_by_plaintext(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "same")
    monkeypatch.setenv("TWO", "same")
    monkeypatch.setenv("THREE", "other")
    one, two, three = (store.from_uri(f"env://{name}").ref.identity for name in ("ONE", "TWO", "THREE"))
    assert one == two != three
    assert "same" not in one


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
