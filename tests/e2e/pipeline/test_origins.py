"""A rule about an image from outside is asked where the image is pulled from: with its login, or at its mirror.

Judge: Debian's docker-registry, with TLS by an authority of its own and a password.
"""

import base64
import json
import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.registry_servers import running_registry

pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.full,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]
MIRRORED = "base.invalid"


def openssl(*argv, stdin=""):
    return subprocess.run(["openssl", *argv], check=True, capture_output=True, text=True, input=stdin).stdout


@pytest.fixture
def guarded(tmp_path, monkeypatch):
    """A registry that this machine trusts, but is not signed in to."""
    with running_registry(tmp_path / "guarded", tls=True, auth=True) as server:
        system = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().openssl_cafile
        trusted = [path.read_text() for path in (Path(system), server.certificate) if path.exists()]
        (tmp_path / "trusted.pem").write_text("\n".join(trusted))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.delenv("DOCKER_CONFIG", raising=False)
        yield server


@pytest.fixture
def sign_in(guarded, tmp_path):
    """Leaves the login where docker does."""

    def done():
        auth = base64.b64encode(f"{guarded.user}:{guarded.password}".encode()).decode()
        (tmp_path / "home/.docker").mkdir(parents=True)
        (tmp_path / "home/.docker/config.json").write_text(json.dumps({"auths": {guarded.host: {"auth": auth}}}))

    return done


@pytest.fixture
def published(call, guarded, write, tmp_path, monkeypatch):
    """A repository whose base is there with its provenance, signed; what is built on it is asked for afterwards."""
    private = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    monkeypatch.setenv("SIGNING_KEY", private)
    monkeypatch.setenv("TOKEN", guarded.password)
    source = write(
        {
            "Dockerfile": "FROM scratch\nCOPY baselard.yaml /it\n",
            "baselard.yaml": "publish: {sbom: []}\n",
            "signing.pub": openssl("pkey", "-pubout", stdin=private),
        }
    )
    archive = str(tmp_path / "base.tar")
    made = call(source, "archive", "--proof", "--signing-key", "env://SIGNING_KEY", "-o", archive)
    assert made.code == 0, made.stderr[-3000:]
    there = ("--registry", f"{guarded.host}/acme/base", "--tag", "main")
    login = ("--username", guarded.user, "--password", "env://TOKEN")
    pushed = call(source, "push-archive", "--archive", archive, *there, *login)
    assert pushed.code == 0, pushed.stderr[-3000:]
    return source


def building_on(source, image, key="signing.pub"):
    rule = f"{{image: '{image.rpartition('/')[0]}/*', key: {key}, require: [provenance, signature]}}"
    (source / "Dockerfile").write_text(f"FROM {image}:main\nCOPY baselard.yaml /more\n")
    (source / "baselard.yaml").write_text(f"verify: {{origins: [{rule}]}}\n")


def test_a_rule_is_asked_with_the_login_of_the_pull(call, published, guarded, sign_in):
    building_on(published, f"{guarded.host}/acme/base")
    refused = call(published, "base", "rootfs", "entries")
    assert (refused.code, f"Sign in with docker login {guarded.host}" in refused.stderr) == (1, True), refused.stderr
    assert "TOKEN" not in refused.stderr and guarded.password not in refused.stderr
    sign_in()
    built = call(published, "base", "rootfs", "entries")
    assert (built.code, {"it", "more"} <= set(built.stdout.split())) == (0, True), built.stderr[-3000:]
    (published / "signing.pub").write_text(
        openssl("pkey", "-pubout", stdin=openssl("genpkey", "-algorithm", "ED25519"))
    )
    broken = call(published, "base", "rootfs", "entries")
    assert (broken.code, "which is not trusted here" in broken.stderr) == (1, True), broken.stderr[-3000:]


@pytest.fixture
def mirrored(guarded, tmp_path):
    """Settings by which another registry, which there is not, has this one as its mirror."""
    settings = tmp_path / "registries.conf"
    settings.write_text(f"[[registry]]\nlocation = '{MIRRORED}'\n[[registry.mirror]]\nlocation = '{guarded.host}'\n")
    return str(settings)


def test_a_rule_is_asked_at_the_mirror_of_the_pull(call, published, mirrored, sign_in, monkeypatch):
    sign_in()
    building_on(published, f"{MIRRORED}/acme/base")
    alone = call(published, "base", "rootfs", "entries")
    assert (alone.code, MIRRORED in alone.stderr) == (1, True), alone.stderr[-3000:]
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", mirrored)
    built = call(published, "base", "rootfs", "entries")
    assert (built.code, {"it", "more"} <= set(built.stdout.split())) == (0, True), built.stderr[-3000:]
