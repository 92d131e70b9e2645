"""What this machine has set for registries holds when pulling: credentials, helpers, authorities, mirrors."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import UserError
from baselard.engine.host import platforms
from baselard.engine.images import publish, reference, registries
from baselard.engine.images import pull as registry_pull
from baselard.engine.images.image import ImageConfig
from baselard.engine.images.registries import Registry
from baselard.engine.images.writing import Format, Variant
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import Snapshots

pytestmark = pytest.mark.root
AMD64 = platforms.parse("linux/amd64")


def push(store: Store, address: str, session: Registry | None = None) -> str:
    with Snapshots(store).layer(None) as draft:
        (draft.path / "file").write_text("content")
        variant = Variant(draft.commit(), ImageConfig(AMD64))
    target = reference.parse(address)
    done, _ = publish.publish(store, session or Registry(), target, [variant], form=Format(), say=print)
    return done.digest


def pull(place: Path, address: str) -> str:
    """The digest of what came, into a store that has nothing."""
    fresh = Store.open(place)
    try:
        found = registry_pull.resolve(Registry(), reference.parse(address), AMD64, print)
        assert registry_pull.pull(Snapshots(fresh), Registry(), found, print)
        return found.reference.digest
    finally:
        fresh.close()


@pytest.fixture
def behind_a_password(guarded: Any, store: Store) -> tuple[Any, str]:
    """A registry with an authority of its own, and the digest of its one image."""
    return guarded, push(store, f"{guarded.host}/app:1", Registry({guarded.host: (guarded.user, guarded.password)}))


def test_dockers_configuration(behind_a_password: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, digest = behind_a_password
    with pytest.raises(UserError, match="docker login"):
        pull(tmp_path / "none", f"{registry.host}/app:1")
    auth = base64.b64encode(f"{registry.user}:{registry.password}".encode()).decode()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
    assert pull(tmp_path / "fresh", f"{registry.host}/app:1") == digest


def test_a_credential_helper(behind_a_password: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, digest = behind_a_password
    helper = tmp_path / "bin" / "docker-credential-mine"
    helper.parent.mkdir()
    helper.write_text(f'#!/bin/sh\necho \'{{"Username": "{registry.user}", "Secret": "{registry.password}"}}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {registry.host: "mine"}}))
    assert pull(tmp_path / "fresh", f"{registry.host}/app:1") == digest


def test_an_authority_that_nobody_trusts_and_one_by_the_variable(
    behind_a_password: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, digest = behind_a_password
    auth = base64.b64encode(f"{registry.user}:{registry.password}".encode()).decode()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Exception, match="certificate"):
        pull(tmp_path / "none", f"{registry.host}/app:1")
    monkeypatch.setenv("BASELARD_CA_FILE", str(registry.certificate))
    assert pull(tmp_path / "fresh", f"{registry.host}/app:1") == digest


def test_a_mirror_serves_in_the_registrys_place(
    proxy: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = push(store, f"{proxy.host}/mirrored/app:1")
    (tmp_path / "registries.conf").write_text(
        '[[registry]]\nprefix = "registry.invalid/team"\nlocation = "registry.invalid/team"\n'
        f'[[registry.mirror]]\nlocation = "{proxy.host}/mirrored"\ninsecure = true\n'
    )
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
    address = "registry.invalid/team/app:1"
    assert registries.has_mirror(reference.parse(address))
    assert pull(tmp_path / "fresh", address) == digest


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_asked_for_once(proxy: Any, store: Store, tmp_path: Path, status: int) -> None:
    push(store, f"{proxy.host}/app:1")
    proxy.answer(status, times=99, method="GET", path="/manifests/")
    before = proxy.count("GET", "/manifests/")
    with pytest.raises(UserError, match="docker login"):
        pull(tmp_path / "none", f"{proxy.host}/app:1")
    assert proxy.count("GET", "/manifests/") == before + 1
