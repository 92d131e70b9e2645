"""Statements beside an image are read as the image is pulled: with this machine's login, at its mirrors.

Judge: Debian's docker-registry, with TLS and a password; it keeps referrers below a tag.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import EngineError
from baselard.engine.images import reading
from baselard.engine.images.reading import RegistryAnswer
from baselard.engine.images.registries import Registries
from baselard.oci import digests
from baselard.oci.media_types import OCI_EMPTY, OCI_INDEX, OCI_MANIFEST
from baselard.oci.reference import parse

MIRRORED = "base.invalid"


def read(registry: str, path: str, session: Registries | None = None) -> RegistryAnswer | None:
    asked = reading.wanted(registry, path)
    assert asked
    return reading.read(session or Registries(), asked)


def put(registry: Any) -> tuple[str, str]:
    """The digests of an image, and of what refers to it; all from a session that has the password."""
    session = Registries({registry.host: (registry.user, registry.password)})
    with session.repository(parse(f"{registry.host}/app:1")) as repository:
        empty = {"mediaType": OCI_EMPTY, "digest": repository.blobs.put(b"{}"), "size": 2}
        image = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": empty, "layers": [empty]}
        body = json.dumps(image).encode()
        digest = repository.put_manifest("1", OCI_MANIFEST, body)
        subject = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(body)}
        return digest, repository.refer({**image, "artifactType": "text/plain", "subject": subject})


@pytest.fixture
def sign_in(guarded: Any, tmp_path: Path) -> Callable[[], None]:
    """Leaves the login where docker does."""

    def done() -> None:
        auth = base64.b64encode(f"{guarded.user}:{guarded.password}".encode()).decode()
        (tmp_path / "home/.docker").mkdir(parents=True)
        (tmp_path / "home/.docker/config.json").write_text(json.dumps({"auths": {guarded.host: {"auth": auth}}}))

    return done


def test_it_is_read_with_the_login_of_the_machine_or_of_the_session(guarded: Any, sign_in: Callable[[], None]) -> None:
    image, referrer = put(guarded)
    with pytest.raises(EngineError, match=f"Sign in with docker login {guarded.host}"):
        read(guarded.host, "/v2/app/manifests/1")
    session = Registries({guarded.host: (guarded.user, guarded.password)})
    assert read(guarded.host, f"/v2/app/blobs/{digests.of_bytes(b'{}')}", session)
    sign_in()
    manifest = read(guarded.host, "/v2/app/manifests/1")
    assert manifest
    assert (digests.of_bytes(manifest.body), manifest.media_type) == (image, OCI_MANIFEST)
    listed = read(guarded.host, f"/v2/app/referrers/{image}")
    assert listed
    assert [one["digest"] for one in json.loads(listed.body)["manifests"]] == [referrer]
    assert (listed.media_type, read(guarded.host, f"/v2/app/referrers/{referrer}")) == (OCI_INDEX, None)
    assert read(guarded.host, "/v2/app/manifests/2") is None
    assert read(guarded.host, f"/v2/app/blobs/sha256:{'0' * 64}") is None


def test_it_is_read_at_the_mirror_which_alone_may_be_there(
    guarded: Any, sign_in: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, _ = put(guarded)
    sign_in()
    settings = tmp_path / "registries.conf"
    settings.write_text(f"[[registry]]\nlocation = '{MIRRORED}'\n[[registry.mirror]]\nlocation = '{guarded.host}'\n")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(settings))
    assert read(MIRRORED, f"/v2/app/referrers/{image}")
    assert read(MIRRORED, f"/v2/app/manifests/{image.replace(':', '-')}.sig") is None
    monkeypatch.delenv("CONTAINERS_REGISTRIES_CONF")
    with pytest.raises(EngineError, match=MIRRORED):
        read(MIRRORED, "/v2/app/manifests/1")


@pytest.mark.parametrize("path", ["/v2/", "/v2/app/tags/list", "/v2/_catalog", "/v2/app/blobs/uploads/"])
def test_nothing_else_is_asked(path: str) -> None:
    assert reading.wanted("localhost:1", path) is None


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(EngineError, match="UPPER"):
        reading.wanted("localhost:1", "/v2/UPPER/manifests/1")
