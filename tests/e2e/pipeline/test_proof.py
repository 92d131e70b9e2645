"""What is attached to a published image, from the command line; foreign programs read and judge it."""

import base64
import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import threading
import zlib

import pytest

pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]

SHA = "0123456789abcdef0123456789abcdef01234567"
PUSH = ("--ref", "refs/heads/main", "--sha", SHA, "--platforms", "linux/amd64")


def openssl(*argv, stdin=""):
    return subprocess.run(["openssl", *argv], check=True, capture_output=True, text=True, input=stdin).stdout


def new_key():
    return openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Where a file can be fetched."""
    root = tmp_path_factory.mktemp("fetched")
    (root / "file").write_text("fetched")
    serving = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serving) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def repository(registry, write, request, monkeypatch):
    """A project whose policy trusts the key in the environment."""
    name = f"{registry}/acme/base-{zlib.crc32(request.node.name.encode())}"
    private = new_key()
    monkeypatch.setenv("SIGNING_KEY", private)
    source = write(
        {
            "Dockerfile": "FROM debian:trixie-slim\nARG WORD=x\nRUN echo $WORD >/word\n",
            "baselard.yaml": (
                f"bases: [{{name: '{name}', build-args: {{WORD: y, API_TOKEN: s3cret}}}}]\n"
                "publish: {source: 'https://example.com/acme/base'}\n"
                "verify: {key: signing.pub, require: [provenance, test-result, sbom, signature]}\n"
            ),
            "signing.pub": openssl("pkey", "-pubout", stdin=private),
            "goss/a.yaml": "file: {/word: {exists: true}}\n",
            "examples/a/Dockerfile": f"FROM {name}\nRUN echo a >/a\n",
            "examples/a/goss.yaml": "file: {/a: {exists: true}}\n",
        }
    )
    return source, name


def skopeo(*argv):
    return subprocess.check_output(["skopeo", *argv, "--tls-verify=false"])


def raw(reference):
    return json.loads(skopeo("inspect", "--raw", f"docker://{reference}"))


def statements(name, digest, tmp_path):
    """By predicate type, what this registry has under the tag that lists an image's referrers; skopeo fetches it."""
    found = {}
    for one in raw(f"{name}:{digest.replace(':', '-')}")["manifests"]:
        where = tmp_path / one["digest"].replace(":", "-")
        skopeo("copy", "-q", f"docker://{name}@{one['digest']}", f"dir:{where}", "--src-tls-verify=false")
        (layer,) = raw(f"{name}@{one['digest']}")["layers"]
        document = json.loads((where / layer["digest"].partition(":")[2]).read_text())
        if "dsseEnvelope" in document:
            document = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
        found[document["predicateType"]] = document
    return found


def published(done):
    assert done.code == 0, done.stderr[-3000:]
    (image,) = json.loads(done.stdout)["images"].values()
    return image


def test_what_is_published_is_signed_verified_and_not_signed_again(call, repository, tmp_path, server):
    source, name = repository
    with (source / "Dockerfile").open("a") as file:
        file.write(f"ADD http://{server}/file /file\n")
    (tmp_path / "read").mkdir()
    image = published(call(source, "publish", *PUSH, "--signing-key", "env://SIGNING_KEY"))
    digest = image["platforms"]["linux/amd64"]["digest"]
    said = statements(name, digest, tmp_path / "read")
    assert all(one["subject"][0]["digest"] == {"sha256": digest.partition(":")[2]} for one in said.values())
    built = said["https://slsa.dev/provenance/v1"]["predicate"]["buildDefinition"]
    used = {one["name"]: one for one in built["resolvedDependencies"]}
    assert list(used)[:3] == ["source", "Dockerfile", debian := "docker.io/library/debian:trixie-slim"]
    assert used[f"http://{server}/file"]["digest"] == {"sha256": hashlib.sha256(b"fetched").hexdigest()}
    labels = json.loads(skopeo("inspect", f"docker://{name}:main"))["Labels"]
    assert labels["org.opencontainers.image.base.digest"] == f"sha256:{used[debian]['digest']['sha256']}"
    assert ("dev.baselard.base.bootstrapped" in labels) == ("annotations" in used[debian])
    assert built["externalParameters"]["buildArgs"] == {"WORD": "y", "API_TOKEN": "(left out)"}
    tested = said["https://in-toto.io/attestation/test-result/v0.1"]["predicate"]
    assert (tested["result"], tested["failedTests"]) == ("PASSED", [])
    assert {one.partition(" (")[0] for one in tested["passedTests"]} >= {name, "a"}
    assert tested["baselard_report"]["name"] == "tested.json"
    listed = said["https://spdx.dev/Document"]["predicate"]
    assert (listed["spdxVersion"], listed["name"]) == ("SPDX-2.3", name)
    packages = {one["name"]: one for one in listed["packages"]}
    assert "GPL-3.0-or-later" in packages["bash"]["licenseDeclared"]
    (bash,) = [one for one in listed["files"] if one["fileName"] == "usr/bin/bash"]
    sums = {one["algorithm"]: one["checksumValue"] for one in bash["checksums"]}
    debian_layer = tmp_path / "read" / "image"
    skopeo("copy", "-q", f"docker://{name}@{digest}", f"dir:{debian_layer}", "--src-tls-verify=false")
    first = raw(f"{name}@{digest}")["layers"][0]["digest"].partition(":")[2]
    content = subprocess.check_output(["tar", "-xOf", str(debian_layer / first), "usr/bin/bash"])
    assert sums == {"SHA1": hashlib.sha1(content).hexdigest(), "SHA256": hashlib.sha256(content).hexdigest()}
    index = statements(name, image["digest"], tmp_path / "read")
    assert set(index) == set(said) - {"https://spdx.dev/Document"}
    tags = skopeo("list-tags", f"docker://{name}")
    again = published(call(source, "publish", *PUSH, "--signing-key", "env://SIGNING_KEY"))
    assert again["state"] == "already published, nothing pushed"
    assert skopeo("list-tags", f"docker://{name}") == tags
    assert len(raw(f"{name}:{digest.replace(':', '-')}")["manifests"]) == 4
    verified = call(source, "verify", "--references", f"{name}:main")
    assert verified.code == 0, verified.stderr[-3000:]
    (source / "signing.pub").write_text(openssl("pkey", "-pubout", stdin=new_key()))
    refused = call(source, "verify", "--references", f"{name}:main")
    assert refused.code == 1
    assert "verify.require asks for provenance" in refused.stderr
    assert "which is not trusted here" in refused.stderr


def test_another_name_and_form_list_the_same_files_only_once(call, repository, tmp_path, registry):
    source, name = repository
    settings = (source / "baselard.yaml").read_text().replace("WORD: y", "WORD: both")
    (source / "baselard.yaml").write_text(settings.replace("publish: {", "publish: {sbom: [spdx, cyclonedx], "))
    digest = published(call(source, "publish", *PUSH))["platforms"]["linux/amd64"]["digest"]
    (tmp_path / "first").mkdir()
    first = statements(name, digest, tmp_path / "first")["https://spdx.dev/Document"]["predicate"]
    other = f"{registry}/other/{name.rpartition('/')[2]}"
    for file in (source / "baselard.yaml", source / "examples/a/Dockerfile"):
        file.write_text(file.read_text().replace(name, other))
    digest = published(call(source, "publish", *PUSH))["platforms"]["linux/amd64"]["digest"]
    said = statements(other, digest, tmp_path)
    listed = said["https://spdx.dev/Document"]["predicate"]
    assert said["https://cyclonedx.org/bom"]["predicate"]["metadata"]["component"]["name"] == other
    roots = [one for one in listed["packages"] if one["SPDXID"].startswith("SPDXRef-DocumentRoot")]
    assert [listed["name"], *(one["name"] for one in roots)] == [other, other]
    # Judge: syft, which gives each of its runs a number that no other has.
    assert listed["documentNamespace"] == first["documentNamespace"].replace(f"/{name}-", f"/{other}-")
    assert f"/{other}-" in listed["documentNamespace"]


def test_without_a_key_the_report_says_that_nobody_vouches(call, repository):
    source, name = repository
    yaml = (source / "baselard.yaml").read_text().replace("publish: {", "publish: {sbom: [cyclonedx], ")
    (source / "baselard.yaml").write_text(yaml)
    done = call(source, "publish", *PUSH)
    published(done)
    assert "nobody vouches for these statements" in done.stdout
    assert call(source, "verify", "--references", f"{name}:main").code == 1
    (source / "baselard.yaml").write_text(yaml.partition("verify:")[0])
    asked = ("verify", "--references", f"{name}:main", "--require")
    assert call(source, *asked, "provenance,test-result,sbom").code == 0
    wrong = call(source, *asked, "signature")
    assert (wrong.code, "no key is known: give --public-key" in wrong.stderr) == (2, True)
    unknown = call(source, *asked, "sbomb")
    assert (unknown.code, "there is no statement 'sbomb'" in unknown.stderr) == (2, True)


def test_an_archive_brings_its_statements_to_a_registry(call, repository, tmp_path):
    source, name = repository
    (tmp_path / "read").mkdir()
    archive, there = tmp_path / "base.tar", f"{name}-elsewhere"
    key = ("--signing-key", "env://SIGNING_KEY")
    made = call(source, "archive", "--proof", *key, "-o", str(archive))
    assert made.code == 0, made.stderr[-3000:]
    digest = json.loads(subprocess.check_output(["skopeo", "inspect", f"oci-archive:{archive}:latest"]))["Digest"]
    assert call(source, "test-example", "--name", "a", "--base", str(archive)).code == 0
    for _ in range(2):
        done = call(source, "push-archive", "--archive", str(archive), "--registry", there, "--tag", "v1")
        assert (done.code, done.stdout.strip()) == (0, f"{there}:v1@{digest}"), done.stderr[-3000:]
    assert set(statements(there, digest, tmp_path / "read")) == {
        "https://slsa.dev/provenance/v1",
        "https://spdx.dev/Document",
        "https://sigstore.dev/cosign/sign/v1",
    }
    asked = ("--require", "sbom,provenance,signature", "--public-key", f"file://{source}/signing.pub")
    verified = call(source, "verify", "--references", f"{there}:v1", *asked)
    assert verified.code == 0, verified.stderr[-3000:]
    assert set(json.loads(skopeo("list-tags", f"docker://{there}"))["Tags"]) == {"v1", digest.replace(":", "-")}
    wrong = call(source, "archive", *key, "-o", str(archive))
    assert (wrong.code, "--signing-key signs what --proof puts" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("secret", "said"),
    [("x", "openssl cannot use this key"), (openssl("genpkey", "-algorithm", "RSA"), "only keys of")],
)
def test_a_key_that_cannot_sign_is_told_before_any_build(call, repository, monkeypatch, secret, said):
    source, _ = repository
    monkeypatch.setenv("SIGNING_KEY", secret)
    done = call(source, "publish", *PUSH, "--signing-key", "env://SIGNING_KEY")
    assert (done.code, said in done.stderr) == (2, True), done.stderr[-2000:]
    assert done.executions("echo $WORD") == 0


@pytest.mark.skipif(
    not shutil.which("cosign"), reason="cosign is not installed (github.com/sigstore/cosign/v3/cmd/cosign)"
)
def test_cosign_verifies_a_publish(call, repository, tmp_path):
    source, name = repository
    published(call(source, "publish", *PUSH, "--signing-key", "env://SIGNING_KEY"))
    for command in (
        ("verify",),
        ("verify-attestation", "--type", "slsaprovenance1"),
        ("verify-attestation", "--type", "https://in-toto.io/attestation/test-result/v0.1"),
    ):
        argv = ["cosign", *command, "--key", str(source / "signing.pub"), "--insecure-ignore-tlog", f"{name}:main"]
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)}
        )
        assert done.returncode == 0, done.stderr
