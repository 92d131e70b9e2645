"""What this machine has set for registries holds when pulling: credentials, helpers, authorities, mirrors."""

import base64
import contextvars
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import EngineError, UserError
from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import publish, reference, registries
from baselard.engine.images import pull as registry_pull
from baselard.engine.images.registries import Registries
from baselard.engine.images.writing import Format, Variant
from baselard.engine.solver import cancel
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import Snapshots
from baselard.oci.image_config import ImageConfig
from baselard.oci.registry import trust
from tests.registry_servers import connection as registry_connection
from tests.registry_servers import loopback_name, running_registry

pytestmark = pytest.mark.root
AMD64 = platforms.parse("linux/amd64")


def push(store: Store, address: str, session: Registries | None = None) -> str:
    with merging.snapshots(store).layer(None) as draft:
        (draft.path / "file").write_text("content")
        variant = Variant(draft.commit(), ImageConfig(AMD64))
    target = reference.parse(address)
    done, _ = publish.publish(store, session or Registries(), target, [variant], form=Format(), say=print)
    return done.digest


def pull(place: Path, address: str) -> str:
    """The digest of what came, into a store that has nothing."""
    fresh = Store.open(place)
    try:
        found = registry_pull.resolve(Registries(), reference.parse(address), AMD64, print)
        assert registry_pull.pull(Snapshots(fresh), Registries(), found, print)
        return found.reference.digest
    finally:
        fresh.close()


@pytest.fixture
def behind_a_password(guarded: Any, store: Store) -> tuple[Any, str]:
    """A registry with an authority of its own, and the digest of its one image."""
    return guarded, push(store, f"{guarded.host}/app:1", Registries({guarded.host: (guarded.user, guarded.password)}))


def sign_in(registry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docker login keeps it."""
    auth = base64.b64encode(f"{registry.user}:{registry.password}".encode()).decode()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))


def test_dockers_configuration(behind_a_password: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, digest = behind_a_password
    with pytest.raises(UserError, match="docker login"):
        pull(tmp_path / "none", f"{registry.host}/app:1")
    sign_in(registry, tmp_path, monkeypatch)
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
    sign_in(registry, tmp_path, monkeypatch)
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


def mirrored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "registries.conf").write_text(text)
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))


def test_a_mirror_that_lacks_it_leaves_it_to_the_registry_aloud(
    proxy: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = push(store, f"{proxy.host}/team/app:1")
    mirrored(
        tmp_path,
        monkeypatch,
        f'[[registry]]\nlocation = "{proxy.host}/team"\n[[registry.mirror]]\nlocation = "localhost:1/x"\n'
        f'[[registry.mirror]]\nlocation = "{proxy.host}/empty"\n',
    )
    assert pull(tmp_path / "fresh", f"{proxy.host}/team/app:1") == digest
    said = capsys.readouterr().out
    assert "localhost:1/x/app:1: the registry localhost:1 cannot be reached" in said
    assert f"{proxy.host}/empty/app:1" not in said.rpartition("trying the next one")[2]
    with pytest.raises(UserError, match=r"no such image; before that, localhost:1/x/other:1: .* cannot be reached"):
        pull(tmp_path / "none", f"{proxy.host}/team/other:1")


def test_a_mirror_that_breaks_off_leaves_the_rest_to_the_registry(
    proxy: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = push(store, f"{proxy.host}/team/app:1")
    argv = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false"]
    subprocess.run([*argv, *(f"docker://{proxy.host}/{name}/app:1" for name in ("team", "mirror"))], check=True)
    before = proxy.count("GET", "/team/app/blobs/")
    mirrored(
        tmp_path,
        monkeypatch,
        f'[[registry]]\nlocation = "{proxy.host}/team"\n[[registry.mirror]]\nlocation = "{proxy.host}/mirror"\n',
    )
    found = registry_pull.resolve(Registries(), reference.parse(f"{proxy.host}/team/app:1"), AMD64, print)
    proxy.answer(404, times=99, method="GET", path="/mirror/app/blobs/")
    fresh = Store.open(tmp_path / "fresh")
    assert registry_pull.pull(Snapshots(fresh), Registries(), found, print)
    assert found.reference.digest == digest
    assert proxy.count("GET", "/team/app/blobs/") == before + 1
    fresh.close()


def test_a_blocked_registry_is_not_asked(
    proxy: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(store, f"{proxy.host}/app:1")
    asked = len(proxy.requests)
    mirrored(tmp_path, monkeypatch, f'[[registry]]\nlocation = "{proxy.host}"\nblocked = true\n')
    for attempt in (lambda: pull(tmp_path / "none", f"{proxy.host}/app:1"), lambda: push(store, f"{proxy.host}/app:2")):
        with pytest.raises(UserError, match=r"registries\.conf blocks"):
            attempt()
    assert len(proxy.requests) == asked


def test_a_policy_that_rejects_lets_nothing_in(
    proxy: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(store, f"{proxy.host}/app:1")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config/containers").mkdir(parents=True)
    (tmp_path / ".config/containers/policy.json").write_text('{"default": [{"type": "reject"}]}')
    with pytest.raises(UserError, match=r"policy\.json rejects it"):
        pull(tmp_path / "none", f"{proxy.host}/app:1")


def test_an_insecure_registry_may_have_any_certificate(
    behind_a_password: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, digest = behind_a_password
    sign_in(registry, tmp_path, monkeypatch)
    monkeypatch.delenv("SSL_CERT_FILE")
    mirrored(tmp_path, monkeypatch, f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n')
    assert pull(tmp_path / "fresh", f"{registry.host}/app:1") == digest
    pushed = push(store, f"{registry.host}/app:2")
    assert pull(tmp_path / "other", f"{registry.host}/app:2") == pushed


def test_an_insecure_registry_may_speak_plain_http(
    server: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = f"{loopback_name()}:{server.port}"
    digest = push(store, f"{server.host}/app:1")
    with pytest.raises(Exception, match="not trusted"):
        pull(tmp_path / "none", f"{named}/app:1")
    mirrored(tmp_path, monkeypatch, f'[[registry]]\nlocation = "{named}"\ninsecure = true\n')
    assert pull(tmp_path / "fresh", f"{named}/app:1") == digest


def test_a_client_certificate_of_certs_d(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docker-registry asks for one of its own authority (here the certificate itself)."""
    with running_registry(tmp_path / "registry", tls=True, clients=True) as registry:
        place = tmp_path / "certs.d" / registry.host
        place.mkdir(parents=True)
        assert registry.certificate
        shutil.copy(registry.certificate, place / "ca.crt")
        monkeypatch.setattr(trust, "_FOR_REGISTRIES", (str(tmp_path / "certs.d"),))
        with pytest.raises(EngineError):
            pull(tmp_path / "none", f"{registry.host}/app:1")
        shutil.copy(registry.certificate, place / "client.cert")
        with pytest.raises(UserError, match=r"client\.cert: the key .* client\.key, is not beside it"):
            pull(tmp_path / "none", f"{registry.host}/app:1")
        shutil.copy(registry.certificate.with_suffix(".key"), place / "client.key")
        digest = push(store, f"{registry.host}/app:1")
        assert pull(tmp_path / "fresh", f"{registry.host}/app:1") == digest


def test_calling_off_ends_a_download_that_hangs(proxy: Any, store: Store, tmp_path: Path) -> None:
    """The registry stops in the middle of a layer; nothing but the calling off could end that before its time limit."""
    push(store, f"{proxy.host}/app:1")
    found = registry_pull.resolve(Registries(), reference.parse(f"{proxy.host}/app:1"), AMD64, print)
    begun, over = threading.Event(), threading.Event()

    def hang(handler: Any, _: bytes) -> bool:
        if handler.command != "GET" or found.layers[0].digest not in handler.path:
            return False
        handler.send_response(200)
        handler.send_header("content-length", str(found.layers[0].size))
        handler.end_headers()
        handler.wfile.write(b"x")
        handler.wfile.flush()
        begun.set()
        return over.wait(60)

    proxy.faults.append(hang)
    fresh = Store.open(tmp_path / "fresh")
    off, ended = cancel.Cancellation(), []

    def work() -> None:
        cancel.enter(off)
        try:
            registry_pull.pull(Snapshots(fresh), Registries(), found, print)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
    thread.start()
    assert begun.wait(30)
    off.cancel()
    thread.join(30)  # less than the time limit of a read
    hung = thread.is_alive()
    over.set()
    thread.join()
    assert not hung
    assert [type(error) for error in ended] == [cancel.Cancelled]
    assert not list((tmp_path / "fresh" / "layers").iterdir())
    fresh.close()


def test_a_layer_that_breaks_off_goes_on_where_it_was(
    proxy: Any, server: Any, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """docker-registry serves the rest; what it is asked for is the rest and no more."""
    push(store, f"{proxy.host}/app:1")
    found = registry_pull.resolve(Registries(), reference.parse(f"{proxy.host}/app:1"), AMD64, print)
    layer, asked = found.layers[0], []

    def break_off(handler: Any, _: bytes) -> bool:
        if handler.command != "GET" or layer.digest not in handler.path:
            return False
        asked.append(handler.headers.get("range"))
        if len(asked) > 1:
            return False
        backend = registry_connection(server)
        backend.request("GET", handler.path)
        handler.send_response(200)
        handler.send_header("content-length", str(layer.size))
        handler.end_headers()
        handler.wfile.write(backend.getresponse().read()[: layer.size // 2])
        handler.wfile.flush()
        backend.close()
        handler.close_connection = True
        return True

    proxy.faults.append(break_off)
    fresh = Store.open(tmp_path / "fresh")
    assert registry_pull.pull(Snapshots(fresh), Registries(), found, print)
    assert fresh.has_blob(layer.digest)
    assert asked == [None, f"bytes={layer.size // 2}-"]
    assert "trying again" in capsys.readouterr().out
    fresh.close()
