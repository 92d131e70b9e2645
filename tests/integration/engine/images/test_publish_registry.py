"""Publishing to Debian's docker-registry, and pulling from it; skopeo judges what arrived."""

import base64
import http.client
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import EngineError, RegistryError, RegistryUnreachedError, UserError
from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import publish, pull, reference, registries
from baselard.engine.images.registries import Registries
from baselard.engine.images.writing import Format, Variant, Whole
from baselard.engine.store import layer_index
from baselard.engine.store.database import Snapshot, Store
from baselard.oci.image_config import ImageConfig
from baselard.oci.reference import Reference

pytestmark = pytest.mark.root
AMD64 = ImageConfig(platforms.parse("linux/amd64"), cmd=("true",))
ARM64 = ImageConfig(platforms.parse("linux/arm64"), cmd=("true",))

Push = Callable[..., tuple[Reference, Whole]]


def layer_on(store: Store, parent: Snapshot | None, name: str, size: int = 10) -> Snapshot:
    with merging.snapshots(store).layer(parent) as draft:
        (draft.path / name).write_bytes(os.urandom(size))
        os.utime(draft.path / name, (0, 0))
        return draft.commit()


@pytest.fixture
def tree(store: Store) -> Snapshot:
    return layer_on(store, layer_on(store, None, "one", 3_000_000), "two")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def push(store: Store, tree: Snapshot, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Push:
    """Publish the tree; pauses between tries are only noted."""
    monkeypatch.setattr(registries, "_sleep", lambda seconds: said.append(f"slept {seconds:.0f}"))

    def act(address: str, *configs: ImageConfig, session: Registries | None = None, form: Format | None = None) -> Any:
        variants = [Variant(tree, config) for config in configs or (AMD64,)]
        target = reference.parse(address)
        return publish.publish(store, session or Registries(), target, variants, form=form or Format(), say=said.append)

    return act


def skopeo(*arguments: str) -> bytes:
    ended = subprocess.run(["skopeo", *arguments], check=False, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout


def test_one_platform_is_a_plain_manifest_with_the_digest_that_comes_back(
    server: Any, push: Push, tmp_path: Path
) -> None:
    pushed, _ = push(f"{server.host}/team/app:1")
    skopeo("copy", "--src-tls-verify=false", f"docker://{server.host}/team/app:1", f"dir:{tmp_path / 'copied'}")
    inspected = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{server.host}/team/app:1"))
    assert (inspected["Digest"], inspected["Architecture"], len(inspected["Layers"])) == (pushed.digest, "amd64", 2)
    assert str(pushed) == f"{server.host}/team/app:1@{pushed.digest}"


def test_two_platforms_are_an_index_and_skopeo_copies_all_of_it(server: Any, push: Push, tmp_path: Path) -> None:
    push(f"{server.host}/app:multi", ARM64, AMD64)
    raw = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{server.host}/app:multi"))
    assert [entry["platform"]["architecture"] for entry in raw["manifests"]] == ["amd64", "arm64"]
    skopeo("copy", "--all", "--src-tls-verify=false", f"docker://{server.host}/app:multi", f"dir:{tmp_path / 'copied'}")


@pytest.mark.parametrize("form", [Format("zstd"), Format("none"), Format("gzip", docker=True)])
def test_every_format_is_taken_and_read(server: Any, push: Push, form: Format, tmp_path: Path) -> None:
    push(f"{server.host}/app:x", form=form)
    skopeo("copy", "--src-tls-verify=false", f"docker://{server.host}/app:x", f"oci:{tmp_path / 'copied'}:x")


def test_pushed_again_nothing_is_sent(proxy: Any, push: Push) -> None:
    first, _ = push(f"{proxy.host}/app:1")
    before = len(proxy.requests)
    second, _ = push(f"{proxy.host}/app:1")
    assert second == first
    assert {request.method for request in proxy.requests[before:]} == {"HEAD"}


def test_another_repository_mounts_the_blobs(proxy: Any, push: Push) -> None:
    push(f"{proxy.host}/app:1")
    patched = proxy.count("PATCH")
    push(f"{proxy.host}/other/app:1")
    assert patched == 3
    assert proxy.count("PATCH") == patched
    assert proxy.count("POST", "mount=") == 3


def test_the_tag_is_the_last_thing_that_moves(proxy: Any, push: Push) -> None:
    push(f"{proxy.host}/app:multi", AMD64, ARM64)
    puts = [request.path.rpartition("/")[2] for request in proxy.requests if request.method == "PUT"]
    assert puts[-1] == "multi"
    assert all(name.startswith("sha256:") or "digest=" in name for name in puts[:-1])


def test_429_waits_as_asked_and_says_so(proxy: Any, push: Push, said: list[str]) -> None:
    proxy.answer(429, times=2, method="PUT", path="/manifests/1", headers={"Retry-After": "7"})
    push(f"{proxy.host}/app:1")
    assert [line for line in said if line.startswith("slept")] == ["slept 7", "slept 7"]
    assert sum("answered 429; trying again" in line for line in said) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors_are_tried_again_and_in_the_end_told(
    proxy: Any, push: Push, said: list[str], status: int
) -> None:
    proxy.answer(status, method="POST", path="uploads")
    push(f"{proxy.host}/app:1")
    proxy.answer(status, times=99, path="/manifests/2")
    with pytest.raises(RegistryError, match=f"answered {status}, 6 times in a row") as caught:
        push(f"{proxy.host}/app:2")
    assert caught.value.status == status


@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT"])
def test_a_cut_connection_is_made_again(proxy: Any, push: Push, method: str, tmp_path: Path) -> None:
    proxy.cut(method=method)
    push(f"{proxy.host}/app:1")
    skopeo("copy", "--src-tls-verify=false", f"docker://{proxy.host}/app:1", f"dir:{tmp_path / 'copied'}")


def test_an_upload_goes_on_where_the_registry_has_got_to(proxy: Any, push: Push, tmp_path: Path) -> None:
    """Half of the body arrives before the answer is lost; only the other half is sent then."""
    arrived: dict[str, str] = {}

    def lose_half(handler: Any, body: bytes) -> bool:
        if handler.command != "PATCH" or len(body) < 2_000_000 or arrived:
            return False
        backend = http.client.HTTPConnection("127.0.0.1", proxy.port)
        backend.request(
            "PATCH", handler.path, body[:1_000_000], {"Host": proxy.host, "Content-Type": "application/octet-stream"}
        )
        reply = backend.getresponse()
        arrived.update({"Range": "0-999999", "Location": reply.headers["Location"]})
        backend.close()
        # docker-registry keeps the offset in the URL that was lost just now, so the status is told for it
        proxy.answer(204, method="GET", path="/uploads/", headers=arrived)
        handler.close_connection = True
        handler.connection.shutdown(2)
        return True

    proxy.faults.append(lose_half)
    push(f"{proxy.host}/app:1")
    sizes = [request.size for request in proxy.requests if request.method == "PATCH" and request.size > 1_000_000]
    assert len(sizes) == 2
    assert sizes[1] == sizes[0] - 1_000_000
    skopeo("copy", "--src-tls-verify=false", f"docker://{proxy.host}/app:1", f"dir:{tmp_path / 'copied'}")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_not_tried_again_and_names_what_was_missing(
    proxy: Any, push: Push, said: list[str], status: int
) -> None:
    words = json.dumps({"errors": [{"code": "DENIED", "message": "not yours"}]}).encode()
    proxy.answer(status, times=99, method="POST", body=words)
    with pytest.raises(
        RegistryError, match=r"DENIED not yours.*repository:team/app:pull,push.*not signed in.*docker login"
    ):
        push(f"{proxy.host}/team/app:1")
    assert not any("trying again" in line for line in said)
    assert proxy.count("PUT") == 0


def test_a_registry_that_stores_something_else_is_found_out(proxy: Any, push: Push) -> None:
    proxy.answer(
        201, times=9, method="PUT", path="/manifests/", headers={"Docker-Content-Digest": "sha256:" + "0" * 64}
    )
    with pytest.raises(RegistryError, match="the registry stored sha256:000"):
        push(f"{proxy.host}/app:1")


def test_a_push_that_fails_leaves_the_tag_where_it_was(proxy: Any, push: Push) -> None:
    first, _ = push(f"{proxy.host}/app:1")
    proxy.answer(500, times=999, method="PUT", path="/manifests/sha256")
    with pytest.raises(RegistryError):
        push(f"{proxy.host}/app:1", AMD64, ARM64)
    assert json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{proxy.host}/app:1"))["Digest"] == first.digest


def test_tls_and_password_from_the_session_from_docker_and_wrong(guarded: Any, push: Push, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="not signed in"):
        push(f"{guarded.host}/app:1")
    wrong = Registries(credentials={guarded.host: (guarded.user, "wrong")})
    with pytest.raises(RegistryError, match="signed in as tester"):
        push(f"{guarded.host}/app:1", session=wrong)
    given, _ = push(
        f"{guarded.host}/app:1", session=Registries(credentials={guarded.host: (guarded.user, guarded.password)})
    )
    (tmp_path / "home" / ".docker").mkdir(parents=True)
    auth = base64.b64encode(f"{guarded.user}:{guarded.password}".encode()).decode()
    (tmp_path / "home" / ".docker" / "config.json").write_text(json.dumps({"auths": {guarded.host: {"auth": auth}}}))
    kept, _ = push(f"{guarded.host}/app:2")
    assert kept.digest == given.digest


def test_a_credential_helper_is_asked(
    guarded: Any, push: Push, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "bin" / "docker-credential-mine"
    helper.parent.mkdir()
    helper.write_text(f'#!/bin/sh\necho \'{{"Username": "{guarded.user}", "Secret": "{guarded.password}"}}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {guarded.host: "mine"}}))
    push(f"{guarded.host}/app:1")


def test_a_bootstrapped_base_stays_on_this_machine(
    store: Store, tree: Snapshot, push: Push, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tree.parent
    layer_index.record_bootstrapped(store, "debian:trixie-slim (linux/amd64)", tree.parent)
    with pytest.raises(
        UserError, match=r"bootstrapped here as debian:trixie-slim \(linux/amd64\).*BASELARD_PUBLISH_BOOTSTRAPPED=1"
    ):
        push("registry.invalid/app:1")
    push(f"{server.host}/app:1")
    monkeypatch.setenv("BASELARD_PUBLISH_BOOTSTRAPPED", "1")
    with pytest.raises(EngineError, match=r"registry\.invalid cannot be reached"):
        push("registry.invalid/app:1")


def test_tags_are_listed_and_deleted(server: Any, push: Push) -> None:
    pushed, _ = push(f"{server.host}/app:b")
    push(f"{server.host}/app:a")
    with Registries().repository(pushed) as repository:
        assert repository.tags() == ["a", "b"]
        assert repository.referrers(pushed.digest) == []
        assert repository.delete(pushed.digest)
        assert not repository.delete(pushed.digest)
        assert repository.resolve("a") is None


# pulling


def pulled(store: Store, address: str, platform: str = "linux/amd64", session: Registries | None = None) -> Any:
    session = session or Registries()
    found = pull.resolve(session, reference.parse(address), platforms.parse(platform), print)
    return found, pull.pull(merging.snapshots(store), session, found, print)


def fresh(tmp_path: Path, name: str = "fresh") -> Store:
    return Store.open(tmp_path / name)


def content(store: Store, snapshot: Snapshot | None) -> dict[str, bytes]:
    """All files of the snapshot's layers; they have different names here."""
    found = {}
    while snapshot:
        found |= {path.name: path.read_bytes() for path in store.layer_path(snapshot).iterdir()}
        snapshot = snapshot.parent
    return found


def test_what_was_pushed_comes_back_and_is_reused_byte_for_byte(
    proxy: Any, store: Store, tree: Snapshot, push: Push, tmp_path: Path
) -> None:
    pushed, whole = push(f"{proxy.host}/app:1")
    other = fresh(tmp_path)
    found, snapshot = pulled(other, f"{proxy.host}/app:1")
    assert found.reference.digest == pushed.digest
    assert content(other, snapshot) == content(store, tree)
    added = layer_on(other, snapshot, "three")
    again, grown = publish.publish(
        other,
        Registries(),
        reference.parse(f"{proxy.host}/app:2"),
        [Variant(added, found.config)],
        form=Format(),
        say=print,
    )
    assert grown.images[0].manifest.layers[:2] == whole.images[0].manifest.layers
    assert again.digest != pushed.digest
    other.close()


def test_what_is_in_the_store_is_not_downloaded_again(proxy: Any, push: Push, store: Store, tmp_path: Path) -> None:
    push(f"{proxy.host}/app:1")
    other = fresh(tmp_path)
    _, first = pulled(other, f"{proxy.host}/app:1")
    before = proxy.count("GET", "/blobs/")
    _, second = pulled(other, f"{proxy.host}/app:1")
    assert second == first
    assert proxy.count("GET", "/blobs/") == before + 1  # the configuration, to resolve
    other.db.execute("DELETE FROM chains")
    pulled(other, f"{proxy.host}/app:1")
    layers = {request.path for request in proxy.requests[-4:] if "/blobs/" in request.path}
    assert len(layers) == 1
    other.close()


def test_the_platform_is_chosen_and_a_missing_one_named(server: Any, push: Push, tmp_path: Path) -> None:
    push(f"{server.host}/app:m", AMD64, ARM64)
    other = fresh(tmp_path)
    found, _ = pulled(other, f"{server.host}/app:m", "linux/arm64")
    assert str(found.config.platform) == "linux/arm64"
    with pytest.raises(UserError, match=r"no image for linux/s390x here; there are: linux/amd64, linux/arm64"):
        pulled(other, f"{server.host}/app:m", "linux/s390x")
    other.close()


def test_a_missing_image_and_a_missing_password_are_told_apart(
    server: Any, guarded: Any, push: Push, tmp_path: Path
) -> None:
    other = fresh(tmp_path)
    with pytest.raises(UserError, match="has no such image"):
        pulled(other, f"{server.host}/nothing:1")
    with pytest.raises(UserError, match="docker login"):
        pulled(other, f"{guarded.host}/app:1")
    session = Registries(credentials={guarded.host: (guarded.user, guarded.password)})
    push(f"{guarded.host}/app:1", session=session)
    pulled(other, f"{guarded.host}/app:1", session=session)
    other.close()


def test_a_blob_with_other_bytes_is_refused_and_nothing_is_kept(proxy: Any, push: Push, tmp_path: Path) -> None:
    _, whole = push(f"{proxy.host}/app:1")
    layer = whole.images[0].manifest.layers[0]
    proxy.answer(200, times=99, method="GET", path=layer.digest, body=b"x" * layer.size)
    other = fresh(tmp_path)
    with pytest.raises(EngineError):
        pulled(other, f"{proxy.host}/app:1")
    assert list((other.root / "layers").iterdir()) == []
    assert not other.has_blob(layer.digest)
    other.close()


def test_a_manifest_with_other_bytes_than_its_digest_is_refused(proxy: Any, push: Push, tmp_path: Path) -> None:
    pushed, whole = push(f"{proxy.host}/app:1")
    kind = {"Content-Type": whole.descriptor.media_type}
    proxy.answer(200, times=99, method="GET", path="/manifests/", body=whole.data + b" ", headers=kind)
    other = fresh(tmp_path)
    with pytest.raises(EngineError):
        pulled(other, f"{proxy.host}/app@{pushed.digest}")
    other.close()


def test_trouble_on_the_way_is_tried_again_aloud(
    proxy: Any, push: Push, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    push(f"{proxy.host}/app:1")
    proxy.answer(503, times=1, method="GET", path="/blobs/")
    other = fresh(tmp_path)
    pulled(other, f"{proxy.host}/app:1")
    assert "trying again" in capsys.readouterr().out
    other.close()


def test_a_registry_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    other = fresh(tmp_path)
    with pytest.raises(RegistryUnreachedError, match="cannot be reached"):
        pulled(other, "localhost:1/app:1")
    other.close()
