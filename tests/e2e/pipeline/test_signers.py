"""Who signs a publish besides a key of the call: a workflow by its token, and a command; in the engine's containers.

The rules themselves are judged in tests/integration/pipeline/, by cosign, sigstore's own client and skopeo.
"""

import json
import shutil
import socket
import subprocess

import pytest

from tests.sigstore_servers import IDENTITY, REQUEST_TOKEN, running_sigstore

pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]
PUSH = ("publish", "--ref", "refs/heads/main", "--platforms", "linux/amd64")
GITHUB = ("--secrets", "env://ACTIONS_ID_TOKEN_REQUEST_URL", "--secrets", "env://ACTIONS_ID_TOKEN_REQUEST_TOKEN")


def openssl(*argv, stdin=""):
    return subprocess.run(["openssl", *argv], check=True, capture_output=True, text=True, input=stdin).stdout


def own_address():
    """Where containers reach this machine: it sends nothing, it only asks which address it would send from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]


def project(write, name, yaml, **files):
    return write(
        {
            "Dockerfile": "FROM debian:trixie-slim\nRUN echo it >/it\n",
            "examples/a/Dockerfile": f"FROM {name}\nRUN echo a >/a\n",
            "baselard.yaml": (
                f"bases: [{{name: '{name}'}}]\npublish: {{sbom: [], attest-style: [simple-signing, buildkit]}}\n{yaml}"
            ),
            **files,
        }
    )


@pytest.mark.full
def test_a_workflow_signs_by_its_token_and_an_outage_is_told(call, registry, write, monkeypatch):
    name = f"{registry}/acme/keyless"
    with running_sigstore(own_address()) as services:
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{services.address}/token?api-version=2.0")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)
        policy = "sign: {oidc: github, services: sigstore.json}\n"
        policy += "verify: {identity: 'https://github.com/acme/*', issuer: 'https://token.actions.*', "
        policy += "require: [provenance, test-result, signature]}\n"
        source = project(write, name, policy, **{"sigstore.json": services.services})
        done = call(source, *GITHUB, *PUSH)
        assert done.code == 0, done.stderr[-3000:]
        assert f"as {IDENTITY}, whom https://token.actions.githubusercontent.com knows" in done.stdout
        entries = services.asked.count("POST /api/v1/log/entries")
        assert entries == 6
        verified = call(source, "verify", "--references", f"{name}:main")
        assert verified.code == 0, verified.stderr[-3000:]
        again = call(source, *GITHUB, *PUSH)
        assert (again.code, services.asked.count("POST /api/v1/log/entries")) == (0, entries), again.stderr[-3000:]
        yaml = (source / "baselard.yaml").read_text()
        (source / "baselard.yaml").write_text(yaml.replace("github.com/acme/*", "github.com/other/*"))
        refused = call(source, "verify", "--references", f"{name}:main")
        assert (refused.code, f"it is signed by {IDENTITY}" in refused.stderr) == (1, True), refused.stderr[-3000:]
        services.down.add("rekor")
        broken = call(source, *GITHUB, *PUSH)
        assert (broken.code, "sigstore's services do not answer" in broken.stderr) == (1, True), broken.stderr[-3000:]
        (source / "baselard.yaml").write_text(yaml.replace("oidc: github,", "oidc: github, outage: unsigned,"))
        unsigned = call(source, *GITHUB, *PUSH)
        assert (unsigned.code, "not signed" in unsigned.stdout) == (0, True), unsigned.stderr[-3000:]


@pytest.mark.full
def test_a_command_signs_with_a_key_that_it_keeps(call, registry, write, monkeypatch):
    name = f"{registry}/acme/by-command"
    monkeypatch.setenv("KEPT", private := openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
    command = "apt-get -qq update && apt-get -qq install openssl >&2 && "
    command += 'echo "$KEPT" >/tmp/kept && openssl pkeyutl -sign -inkey /tmp/kept'
    policy = f"sign: {{command: {json.dumps(command)}, key: signing.pub, secrets: {{KEPT: 'env://KEPT'}}}}\n"
    policy += "verify: {key: signing.pub, require: [provenance, signature]}\n"
    source = project(write, name, policy, **{"signing.pub": openssl("pkey", "-pubout", stdin=private)})
    lacking = call(source, *PUSH)
    assert (lacking.code, "add --secrets env://KEPT" in lacking.stderr) == (2, True), lacking.stderr[-3000:]
    yaml = (source / "baselard.yaml").read_text()
    done = call(source, "--secrets", "env://KEPT", *PUSH)
    assert done.code == 0, done.stderr[-3000:]
    verified = call(source, "verify", "--references", f"{name}:main")
    assert verified.code == 0, verified.stderr[-3000:]
    tags = json.loads(subprocess.check_output(["skopeo", "list-tags", "--tls-verify=false", f"docker://{name}"]))
    assert sum(tag.endswith(".sig") for tag in tags["Tags"]) == 2
    rule = f"{{image: '{registry}/*', key: signing.pub, require: [provenance, signature]}}"
    (source / "Dockerfile").write_text(f"FROM {name}:main\nRUN echo more >/more\n")
    (source / "baselard.yaml").write_text(f"verify: {{origins: [{rule}]}}\n")
    built = call(source, "base", "stdout")
    assert built.code == 0, built.stderr[-3000:]
    (source / "signing.pub").write_text(openssl("pkey", "-pubout", stdin=openssl("genpkey", "-algorithm", "ED25519")))
    refused = call(source, "test-base")
    said = "is not built on: baselard.yaml:1: linux/amd64: provenance" in refused.stderr
    assert (refused.code, said) == (1, True), refused.stderr[-3000:]
    (source / "baselard.yaml").write_text(yaml)
    other = call(source, "--secrets", "env://KEPT", *PUSH)
    assert (other.code, "is not a signature by sign.key" in other.stderr) == (2, True), other.stderr[-3000:]
