"""Statements attached to an image in Debian's docker-registry, read back and judged; each is tampered with.

Foreign judges: securesystemslib (DSSE as sigstore and in-toto use it), openssl; cosign, oras and regctl where they are.
"""

import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from baselard.oci.digests import of_bytes
from baselard.oci.media_types import OCI_INDEX
from baselard.oci.registry.credential import Credential
from pipeline.config.config import BaseSettings, Config, PublishSettings, parse
from pipeline.errors import BaselardError, ConfigError, UsageError
from pipeline.model import Report, Verdict
from pipeline.project import Base, Project
from pipeline.proof import (
    attaching,
    buildkit,
    bundle,
    command,
    evidence,
    keys,
    origins,
    policy,
    signing,
    simple,
    statement,
)
from pipeline.proof.evidence import Described
from pipeline.proof.policy import ProofPolicy
from pipeline.proof.provenance import Origin
from pipeline.proof.proving import Prover
from pipeline.proof.signers import Vouching
from pipeline.proof.statement import PROVENANCE, SIGNATURE, SPDX, TEST_RESULT, Statement
from pipeline.proof.trust import Trust
from pipeline.publish import publication
from pipeline.push import Uploaded
from pipeline.references import parse_reference
from pipeline.registry import index
from pipeline.registry.client import AwaitedRepository, connect
from pipeline.tags import events
from tests.integration.pipeline.openssl_here import Here
from tests.registry_servers import PASSWORD, USER

pytestmark = pytest.mark.anyio
SOURCE = "https://example.com/acme/base"
FROM_HERE = {"buildDefinition": {"resolvedDependencies": [{"uri": f"git+{SOURCE}@refs/heads/main"}]}}
GOOD: dict[str, dict[str, Any]] = {
    PROVENANCE: FROM_HERE,
    TEST_RESULT: {"result": "PASSED", "configuration": [], "passedTests": ["a"], "failedTests": []},
    SPDX: {"spdxVersion": "SPDX-2.3", "packages": [{"name": "bash"}]},
    SIGNATURE: {},
}
REQUIRED = ("provenance", "test-result", "sbom", "signature")


def openssl(*argv: str, stdin: str = "") -> str:
    return subprocess.run(["openssl", *argv], check=True, capture_output=True, text=True, input=stdin).stdout


def p256() -> str:
    return openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def ed25519() -> str:
    return openssl("genpkey", "-algorithm", "ED25519")


@pytest.fixture(autouse=True)
def openssl_here(tmp_path, monkeypatch):
    (tmp_path / "signing").mkdir()
    here = Here(tmp_path / "signing")
    monkeypatch.setattr(signing, "_with_files", here.holding)
    monkeypatch.setattr(signing, "_with_key", here.holding_key)
    monkeypatch.setattr(signing, "_ran", here.ran)


async def signer_of(secret: str) -> signing.KeySigner:
    """Who signs with a key that is text here, and a Secret in a function."""
    return await signing.signer(cast(Any, secret))


@dataclass
class Attached:
    """An image and an index over it in a registry, each with its statements by ``attach``."""

    name: str
    repository: AwaitedRepository
    subjects: dict[str, Described]

    async def attach(self, secret: str, predicates: dict[str, Any] = GOOD, about: str = "") -> None:
        signer = await signer_of(secret) if secret else None
        for digest, subject in self.subjects.items():
            made = [Statement(self.name, about or digest, kind, said) for kind, said in predicates.items()]
            await attaching.attach(self.repository, subject, made, signer)

    async def verdicts(self, chosen: ProofPolicy) -> dict[str, str]:
        """What became of each rule: nothing for one that is kept, else why not."""
        found = await index.read(self.repository, "v1")
        assert found
        cases = await policy.check(self.repository, found, chosen)
        return {case.name: case.message for case in cases if case.verdict.bad}


@pytest.fixture
async def published(guarded) -> AsyncIterator[Attached]:
    guarded.put("image")
    async with connect(parse_reference(guarded.name), Credential(USER, PASSWORD)) as repository:
        image = await index.read(repository, "image")
        body = index.compose(image.platforms)
        await repository.put_manifest("v1", OCI_INDEX, body)
        answer = await repository.manifest(image.digest)
        subjects = {
            image.digest: Described(image.digest, answer.media_type, len(answer.body)),
            of_bytes(body): Described(of_bytes(body), OCI_INDEX, len(body)),
        }
        yield Attached(guarded.name, repository, subjects)


def trusting(secret: str) -> ProofPolicy:
    return ProofPolicy(REQUIRED, Trust(keys.public(openssl("pkey", "-pubout", stdin=secret), "here")), SOURCE)


@pytest.mark.parametrize("kind", [p256, ed25519])
async def test_what_was_signed_holds(published, kind):
    secret = kind()
    await published.attach(secret)
    assert await published.verdicts(trusting(secret)) == {}


async def test_attaching_again_would_add_nothing_but_another_key_s_statements_do_not_count(published):
    secret, other = p256(), p256()
    await published.attach(secret)
    (digest, *_) = published.subjects
    mine, theirs = await signer_of(secret), await signer_of(other)
    assert attaching.lacking(await attaching.held(published.repository, digest, mine), GOOD) == []
    assert attaching.lacking(await attaching.held(published.repository, digest, theirs), GOOD) == list(GOOD)
    assert attaching.lacking(await attaching.held(published.repository, digest, None), GOOD) == []


async def test_unsigned_statements_hold_for_whoever_trusts_no_key_and_for_nobody_else(published):
    await published.attach("", {kind: said for kind, said in GOOD.items() if kind != SIGNATURE})
    anybody = ProofPolicy(("provenance", "test-result", "sbom"), source=SOURCE)
    assert await published.verdicts(anybody) == {}
    refused = await published.verdicts(trusting(p256()))
    assert set(refused) == {
        *(f"linux/amd64: {kind}" for kind in REQUIRED),
        *(f"index: {kind}" for kind in REQUIRED if kind != "sbom"),
    }
    assert all("it is not signed" in said for said in refused.values())


async def test_nothing_attached_fails_each_rule_of_the_image_and_of_the_index(published):
    refused = await published.verdicts(trusting(p256()))
    assert (
        refused["index: provenance"] == "verify.require asks for provenance: nothing of the kind refers to this image"
    )
    assert len(refused) == 7


async def test_a_statement_signed_by_another_key_does_not_hold(published):
    await published.attach(p256())
    refused = await published.verdicts(trusting(p256()))
    assert all("which is not trusted here" in said for said in refused.values())
    assert len(refused) == 7


async def test_statements_about_another_image_do_not_hold(published):
    secret = p256()
    await published.attach(secret, about="sha256:" + "7" * 64)
    refused = await published.verdicts(trusting(secret))
    assert all("it is about sha256:7777" in said and "not about sha256:" in said for said in refused.values())
    assert len(refused) == 7


async def tampered(published, change):
    """Attach bundles that were signed well and changed afterwards, as somebody who may push can."""
    secret = p256()
    signer = await signer_of(secret)
    for digest, subject in published.subjects.items():
        made = [Statement(published.name, digest, kind, said) for kind, said in GOOD.items()]
        await published.repository.put_blob(evidence.EMPTY)
        for one, signed in zip(made, await signer.sign([one.body for one in made]), strict=True):
            body = json.dumps(change(json.loads(signed))).encode()
            await published.repository.put_blob(body)
            await published.repository.refer(evidence.manifest(subject, one, body, signed=True))
    return await published.verdicts(trusting(secret))


def changed_payload(document):
    payload = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
    payload["predicate"]["more"] = 1
    document["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    return document


def changed_signature(document):
    (one,) = document["dsseEnvelope"]["signatures"]
    one["sig"] = one["sig"][:20] + ("A" if one["sig"][20] != "A" else "B") + one["sig"][21:]
    return document


def unnamed_key(document):
    document["verificationMaterial"]["publicKey"]["hint"] = ""
    return changed_signature(document)


def other_kind(document):
    document["dsseEnvelope"]["payloadType"] = "text/plain"
    return document


def certificate(document):
    document["verificationMaterial"] = {"certificate": {"rawBytes": "AA=="}}
    return document


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed_payload, "its signature does not fit"),
        (changed_signature, "its signature does not fit"),
        (unnamed_key, "its signature does not fit"),
        (other_kind, "it holds text/plain"),
        (certificate, "but keys alone are trusted here"),
        (lambda _: {}, "it is not a bundle"),
    ],
)
async def test_whatever_is_changed_after_signing_turns_every_rule_red(published, change, said):
    refused = await tampered(published, change)
    assert len(refused) == 7
    assert all(said in one for one in refused.values()), refused


async def test_a_bad_statement_beside_a_good_one_does_no_harm(published):
    secret = p256()
    await published.attach(secret)
    await published.attach(p256())
    assert await published.verdicts(trusting(secret)) == {}


@pytest.mark.parametrize(
    ("kind", "predicate", "said"),
    [
        (PROVENANCE, {}, f"it names the source (none), not {SOURCE}"),
        (
            PROVENANCE,
            {"buildDefinition": {"resolvedDependencies": [{"uri": "git+https://evil.example/x@refs/heads/main"}]}},
            f"it names the source https://evil.example/x, not {SOURCE}",
        ),
        (TEST_RESULT, {"result": "FAILED", "failedTests": ["goss: a"]}, "it says FAILED: goss: a"),
        (TEST_RESULT, {"result": "PASSED", "failedTests": ["goss: a"]}, "it says PASSED: goss: a"),
        (TEST_RESULT, {}, "it says None: no test is named"),
    ],
)
async def test_a_statement_that_says_what_it_must_not_fails_its_rule(published, kind, predicate, said):
    secret = p256()
    await published.attach(secret, {**GOOD, kind: predicate})
    refused = await published.verdicts(trusting(secret))
    assert set(refused) == {f"{name}: {statement.kind(kind)}" for name in ("linux/amd64", "index")}
    assert all(said in one for one in refused.values())


async def test_what_refers_to_the_image_for_another_reason_is_nobodys_business(published):
    secret = p256()
    (digest, *_) = published.subjects
    await published.repository.put_blob(b"{}")
    made = evidence.manifest(published.subjects[digest], Statement("x", digest, SPDX, {}), b"{}", signed=False)
    layer = {**made["layers"][0], "mediaType": "text/plain"}
    await published.repository.refer({**made, "artifactType": "text/plain", "layers": [layer]})
    await published.attach(secret)
    assert len(await evidence.read(published.repository, digest)) == len(GOOD)


async def test_what_is_there_unasked_is_told(published):
    await published.attach("", {PROVENANCE: FROM_HERE})
    found = await index.read(published.repository, "v1")
    cases = await policy.check(published.repository, found, ProofPolicy())
    assert [(case.name, case.verdict) for case in cases] == [
        ("index: provenance", Verdict.NOTED),
        ("linux/amd64: provenance", Verdict.NOTED),
    ]
    assert "no key is known here" in cases[0].message


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "Could not"),
        (
            "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nx\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----",
            "cosign alone",
        ),
        (openssl("genpkey", "-algorithm", "RSA"), "only keys of ECDSA P-256 and Ed25519"),
        (openssl("pkey", "-pubout", stdin=p256()), "Could not"),
    ],
)
async def test_what_is_no_private_key_of_these_kinds_is_refused(secret, said):
    with pytest.raises(UsageError, match=said):
        await signer_of(secret)


def _envelope(signed, key):
    """As this library wants it, which goes by the key's name; reading one changes it."""
    document = json.loads(signed)["dsseEnvelope"]
    return {**document, "signatures": [{**one, "keyid": key} for one in document["signatures"]]}


async def test_securesystemslib_takes_the_envelopes_and_refuses_changed_ones():
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import Key, SSlibKey

    for make in (p256, ed25519):
        secret = make()
        public = openssl("pkey", "-pubout", stdin=secret) if secret else ""
        (signed,) = await (await signer_of(secret)).sign([b'{"a": 1}'])
        name = keys.public(public, "x")[0].name
        document = _envelope(signed, name)
        kind, scheme = ("ecdsa", "ecdsa-sha2-nistp256") if make is p256 else ("ed25519", "ed25519")
        value = public if make is p256 else keys.public(public, "x")[0].der[-32:].hex()
        key: Key = SSlibKey(name, kind, scheme, {"public": value})
        assert Envelope.from_dict(document).verify([key], 1)
        document = _envelope(signed, name)
        document["payload"] = base64.b64encode(b'{"a": 2}').decode()
        with pytest.raises(VerificationError):
            Envelope.from_dict(document).verify([key], 1)


def building_on(name: str, secret: str, **wanted: Any) -> Project:
    """A project with a rule about the images of a repository, and the key that it names."""
    public = openssl("pkey", "-pubout", stdin=secret) if secret else ""
    files = SimpleNamespace(glob=told(["it.pub"]), file=lambda _: SimpleNamespace(contents=told(public)))
    rules = {"image": name.rpartition("/")[0] + "/*", **({"key": "it.pub"} if secret else {}), **wanted}
    config = parse(
        json.dumps({"verify": {"origins": [{"image": "ghcr.io/other", "require": ["sbom"]}, rules]}}, indent=1)
    )
    return Project(cast(Any, files), config, (), ())


def told(value: Any) -> Any:
    async def answered(*_: Any) -> Any:
        return value

    return answered


@pytest.fixture
def built_on(monkeypatch, published, guarded):
    """What a build would start from, by the name of the context."""

    @asynccontextmanager
    async def connected(*_: Any) -> AsyncIterator[AwaitedRepository]:
        yield published.repository

    monkeypatch.setattr(origins, "as_pulled", connected)
    monkeypatch.setattr(origins, "_from", lambda reference, platform: (reference, platform))


async def test_a_rule_about_a_from_gives_the_digest_that_was_judged(published, built_on):
    secret = p256()
    await published.attach(secret)
    project = building_on(published.name, secret, require=list(REQUIRED), source=SOURCE)
    given = await origins.trusted(project, f"{published.name}:v1", "")
    digest = (await index.read(published.repository, "v1")).digest
    pinned = f"{published.name}@{digest}"
    assert given == {
        f"{published.name}:v1::linux/amd64": (pinned, "linux/amd64"),
        f"{published.name}:v1": (pinned, ""),
    }
    assert origins.rule(project, "ghcr.io/acme/base:1") is None


@pytest.mark.parametrize(
    ("predicates", "wanted", "said"),
    [
        ({PROVENANCE: FROM_HERE}, {"require": ["sbom"]}, "linux/amd64: sbom: nothing of the kind refers to this image"),
        (GOOD, {"require": ["provenance"], "source": "https://example.com/x"}, "it names the source"),
    ],
)
async def test_a_broken_rule_about_a_from_ends_the_build_and_says_which(published, built_on, predicates, wanted, said):
    secret = p256()
    await published.attach(secret, predicates)
    project = building_on(published.name, secret, **wanted)
    with pytest.raises(BaselardError) as raised:
        await origins.trusted(project, f"{published.name}:v1", "")
    assert f"{published.name}:v1 is not built on: baselard.yaml:10: " in str(raised.value)
    assert said in str(raised.value)


async def test_a_from_that_another_key_signed_or_that_is_not_there_is_not_built_on(published, built_on):
    await published.attach(p256())
    project = building_on(published.name, p256(), require=["signature"])
    with pytest.raises(BaselardError, match="which is not trusted here"):
        await origins.trusted(project, f"{published.name}:v1", "")
    with pytest.raises(BaselardError, match=":v2 is not in its registry"):
        await origins.trusted(project, f"{published.name}:v2", "")
    nobody = building_on(published.name, "", require=["signature"])
    with pytest.raises(ConfigError, match="no key or identity is named"):
        await origins.trusted(nobody, f"{published.name}:v1", "")


async def in_an_index(published: Attached, signer: signing.KeySigner | None = None) -> str:
    """The digest of an index over the image that holds what is attached to it."""
    found = await index.read(published.repository, "image")
    assert found
    return await buildkit.put_index(published.repository, found.platforms, signer)


async def test_an_index_holds_what_is_attached_to_its_images_where_buildkit_s_style_is_asked_for(published):
    """The shape: attestation-storage.md of moby/buildkit."""
    secret = p256()
    await published.attach(secret)
    digest = await in_an_index(published, await signer_of(secret))
    document = json.loads((await published.repository.manifest(digest)).body)
    image, said = document["manifests"]
    assert said["platform"] == {"architecture": "unknown", "os": "unknown"}
    assert said["annotations"] == {
        "vnd.docker.reference.digest": image["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    layers = json.loads((await published.repository.manifest(said["digest"])).body)["layers"]
    assert [one["annotations"]["in-toto.io/predicate-type"] for one in layers] == [TEST_RESULT, PROVENANCE, SPDX]
    (listed,) = [one for one in layers if one["annotations"]["in-toto.io/predicate-type"] == SPDX]
    statement_there = json.loads(await published.repository.blob(listed["digest"]))
    assert statement_there["predicate"] == GOOD[SPDX]
    assert statement_there["subject"][0]["digest"] == {"sha256": image["digest"].partition(":")[2]}
    found = await index.read(published.repository, digest)
    assert [one.platform for one in found.platforms] == ["linux/amd64"]


async def test_the_same_statements_make_the_same_index_and_those_of_another_key_are_left_out(published):
    secret, other = p256(), p256()
    await published.attach(secret)
    mine = await in_an_index(published, await signer_of(secret))
    await published.attach(other, {**GOOD, SPDX: {"spdxVersion": "SPDX-2.3", "packages": []}})
    assert await in_an_index(published, await signer_of(secret)) == mine
    assert await in_an_index(published, await signer_of(other)) != mine


@pytest.mark.skipif(
    not shutil.which("buildx"), reason="buildx is not installed: go install github.com/docker/buildx/cmd/buildx@latest"
)
async def test_docker_buildx_shows_provenance_and_sbom(published, guarded, tmp_path):
    """Judge: `docker buildx imagetools inspect`, which needs no daemon."""
    await published.attach("", {kind: said for kind, said in GOOD.items() if kind != SIGNATURE})
    digest = await in_an_index(published)
    host = guarded.direct.partition("/")[0]
    login = {"auths": {host: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}
    (tmp_path / "config.json").write_text(json.dumps(login))

    def shown(what: str) -> Any:
        argv = ["buildx", "imagetools", "inspect", f"{guarded.direct}@{digest}", "--format", f"{{{{json .{what}}}}}"]
        env = {**os.environ, "DOCKER_CONFIG": str(tmp_path), "SSL_CERT_FILE": str(guarded.server.certificate)}
        done = subprocess.run(argv, check=False, capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert shown("SBOM") == {"SPDX": GOOD[SPDX]}
    assert shown("Provenance") == {"SLSA": FROM_HERE}


@pytest.fixture
def skopeo(guarded, tmp_path):
    """skopeo pulling from the registry under a policy that wants a key's signature; what it said when it refused."""
    (tmp_path / "registries.d").mkdir()
    attachments = f"docker: {{'{guarded.direct}': {{use-sigstore-attachments: true}}}}\n"
    (tmp_path / "registries.d/it.yaml").write_text(attachments)
    (tmp_path / "certs").mkdir()
    shutil.copy(guarded.server.certificate, tmp_path / "certs/ca.crt")

    def pulled(key: str, *flags: str) -> str:
        (tmp_path / "it.pub").write_text(openssl("pkey", "-pubout", stdin=key))
        identity = {"type": "matchRepository"}
        wanted = {"type": "sigstoreSigned", "keyPath": str(tmp_path / "it.pub"), "signedIdentity": identity}
        rules = {"default": [{"type": "reject"}], "transports": {"docker": {guarded.direct: [wanted]}}}
        (tmp_path / "policy.json").write_text(json.dumps(rules))
        argv = ["skopeo", "--policy", tmp_path / "policy.json", "--registries.d", tmp_path / "registries.d", "copy"]
        argv += [*flags, "--src-cert-dir", tmp_path / "certs", "--src-creds", f"{USER}:{PASSWORD}"]
        argv += ["--remove-signatures", f"docker://{guarded.direct}:v1", f"dir:{tmp_path}/copied"]
        return subprocess.run(argv, check=False, capture_output=True, text=True).stderr

    return pulled


async def test_skopeo_s_policy_takes_a_simple_signature_and_refuses_another_key_and_a_changed_one(
    published, skopeo, guarded
):
    """Judge: skopeo, whose rules podman and CRI-O share."""
    secret = p256()
    signer = await signer_of(secret)
    assert "A signature was required, but no signature exists" in skopeo(secret)
    for digest in published.subjects:
        assert await simple.sign(published.repository, guarded.direct, digest, signer)
        assert not await simple.sign(published.repository, guarded.direct, digest, signer)
    said = skopeo(secret)
    if "Debian-local change" in said:
        pytest.skip("this skopeo was built without sigstore; one from its own source code will do")
    assert said == ""
    assert skopeo(secret, "--all") == ""
    assert "cryptographic signature verification failed" in skopeo(p256())
    other = p256()
    for digest in published.subjects:
        assert await simple.sign(published.repository, guarded.direct, digest, await signer_of(other))
    assert skopeo(other) == skopeo(secret) == ""
    for digest in published.subjects:
        answer = await published.repository.manifest(simple.tag(digest))
        await published.repository.put_manifest(
            simple.tag(digest), answer.media_type, answer.body.replace(b'signature":"ME', b'signature":"MF')
        )
    assert skopeo(secret)


@pytest.mark.parametrize("printing", [base64.encodebytes, bytes])
async def test_a_command_that_has_the_key_elsewhere_signs_what_a_key_would(published, monkeypatch, tmp_path, printing):
    """The command's part is played by openssl, which knows nothing but what comes in."""
    secret, got = p256(), []
    (tmp_path / "elsewhere").write_text(secret)

    async def ran(_, messages):
        got.extend(base64.b64decode(one) for one in messages.values())
        argv = ["openssl", "pkeyutl", "-sign", "-inkey", str(tmp_path / "elsewhere")]
        return [
            printing(subprocess.run(argv, input=one, check=True, capture_output=True).stdout)
            for one in got[-len(messages) :]
        ]

    monkeypatch.setattr(command, "_ran", ran)
    (public,) = keys.public(openssl("pkey", "-pubout", stdin=secret), "here")
    asked = command.SigningCommand("", "baselard.yaml:3", cast(Any, None))
    signer = signing.KeySigner(public, lambda texts: command.signatures(asked, public, texts))
    for digest, subject in published.subjects.items():
        made = [Statement(published.name, digest, kind, said) for kind, said in GOOD.items()]
        await attaching.attach(published.repository, subject, made, signer)
    assert await published.verdicts(trusting(secret)) == {}
    assert {len(one) for one in got} == {32}
    (other,) = keys.public(openssl("pkey", "-pubout", stdin=p256()), "here")
    with pytest.raises(UsageError, match=r"baselard.yaml:3: what sign.command printed is not a signature by sign.key"):
        await command.signatures(asked, other, [b"x"])


@pytest.mark.skipif(
    not shutil.which("cosign"),
    reason="cosign is not installed: go install github.com/sigstore/cosign/v3/cmd/cosign@latest",
)
@pytest.mark.parametrize("kind", [p256, ed25519])
async def test_cosign_verifies_the_image_and_every_statement_and_refuses_another_key(
    published, kind, tmp_path, guarded
):
    secret = kind()
    await published.attach(secret)

    def cosign(*argv, key=secret):
        (tmp_path / "it.pub").write_text(openssl("pkey", "-pubout", stdin=key))
        access = ("--key", str(tmp_path / "it.pub"), "--insecure-ignore-tlog", "--registry-username", USER)
        return subprocess.run(
            ["cosign", *argv, *access, "--registry-password", PASSWORD, f"{guarded.direct}:v1"],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "HOME": str(tmp_path), "SSL_CERT_FILE": str(guarded.server.certificate)},
        )

    done = cosign("verify")
    assert done.returncode == 0, done.stderr
    for word in ("slsaprovenance1", "spdxjson", TEST_RESULT):
        done = cosign("verify-attestation", "--type", word)
        assert done.returncode == 0, done.stderr
        assert cosign("verify-attestation", "--type", word, key=kind()).returncode
    assert cosign("verify", key=kind()).returncode


def signed_alone(secret: str) -> ProofPolicy:
    return ProofPolicy(("signature",), trusting(secret).trust)


async def test_a_signature_at_a_tag_holds_and_another_key_s_a_changed_one_and_another_image_s_do_not(published):
    """The form: cosign's SIGNATURE_SPEC.md, as skopeo judges it above."""
    secret, other = p256(), p256()
    for digest in published.subjects:
        await simple.sign(published.repository, published.name, digest, await signer_of(other))
    refused = await published.verdicts(signed_alone(secret))
    assert len(refused) == 2
    assert all("no key that is trusted here made it" in said for said in refused.values())
    for digest in published.subjects:
        await simple.sign(published.repository, published.name, digest, await signer_of(secret))
    assert await published.verdicts(signed_alone(secret)) == {}
    first, second = published.subjects
    answer = await published.repository.manifest(simple.tag(first))
    await published.repository.put_manifest(simple.tag(second), answer.media_type, answer.body)
    refused = await published.verdicts(signed_alone(secret))
    assert len(refused) == 1
    assert all(f"it is about {first}, not about {second}" in said for said in refused.values())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "it is not a signature as cosign writes it"),
        ({simple._ANNOTATION: "no base64"}, "it is not a signature as cosign writes it"),
        ({simple._ANNOTATION: "AA=="}, "its signature does not fit"),
        ({simple._ANNOTATION: "AA==", "dev.sigstore.cosign/certificate": "-----"}, "it is signed with a certificate"),
    ],
)
async def test_what_is_wrong_with_a_signature_at_a_tag_is_told(published, changed, said):
    secret = p256()
    for digest in published.subjects:
        await simple.sign(published.repository, published.name, digest, await signer_of(secret))
        answer = await published.repository.manifest(simple.tag(digest))
        document = json.loads(answer.body)
        document["layers"][0]["annotations"] = changed
        await published.repository.put_manifest(simple.tag(digest), answer.media_type, json.dumps(document).encode())
    refused = await published.verdicts(signed_alone(secret))
    assert len(refused) == 2
    assert all(said in one for one in refused.values()), refused


@pytest.mark.skipif(
    not shutil.which("cosign"),
    reason="cosign is not installed: go install github.com/sigstore/cosign/v3/cmd/cosign@latest",
)
async def test_a_signature_that_cosign_made_in_its_old_form_holds(published, guarded, tmp_path):
    """Judge: cosign, which writes it."""
    secret = p256()
    (tmp_path / "it.key").write_text(secret)
    env = {**os.environ, "HOME": str(tmp_path), "COSIGN_PASSWORD": "", "SSL_CERT_FILE": str(guarded.server.certificate)}
    old = ("--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false", "--yes", "--recursive")
    access = ("--registry-username", USER, "--registry-password", PASSWORD)
    digest = (await index.read(published.repository, "v1")).digest
    for argv in (
        ("import-key-pair", "--key", "it.key", "--output-key-prefix", "imported"),
        ("sign", "--key", "imported.key", *old, *access, f"{guarded.direct}@{digest}"),
    ):
        done = subprocess.run(["cosign", *argv], check=False, capture_output=True, text=True, env=env, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert await published.verdicts(signed_alone(secret)) == {}
    assert len(await published.verdicts(signed_alone(p256()))) == 2


@pytest.mark.skipif(not shutil.which("oras"), reason="oras is not installed: go install oras.land/oras/cmd/oras@latest")
async def test_oras_finds_and_fetches_what_is_attached(published, guarded, tmp_path):
    """Judge: oras, by `discover` and `pull`."""
    await published.attach(p256())
    access = ("--username", USER, "--password", PASSWORD, "--ca-file", str(guarded.server.certificate))

    def oras(*argv):
        env = {**os.environ, "HOME": str(tmp_path)}
        return subprocess.run(["oras", *argv, *access], check=True, capture_output=True, text=True, env=env).stdout

    for digest in published.subjects:
        listed = json.loads(oras("discover", f"{guarded.direct}@{digest}", "--format", "json"))
        found = {one["annotations"]["dev.sigstore.bundle.predicateType"]: one for one in listed["referrers"]}
        assert set(found) == set(GOOD)
        assert {one["artifactType"] for one in found.values()} == {bundle.MEDIA_TYPE}
        for kind, one in found.items():
            manifest = json.loads(oras("manifest", "fetch", one["reference"]))
            assert manifest["subject"]["digest"] == digest
            (layer,) = manifest["layers"]
            fetched = json.loads(oras("blob", "fetch", f"{guarded.direct}@{layer['digest']}", "--output", "-"))
            assert json.loads(base64.b64decode(fetched["dsseEnvelope"]["payload"]))["predicateType"] == kind


@pytest.mark.skipif(
    not shutil.which("regctl"),
    reason="regctl is not installed: go install github.com/regclient/regclient/cmd/regctl@latest",
)
async def test_regctl_finds_what_is_attached_and_takes_it_along(published, guarded, tmp_path):
    """Judge: regctl, by `artifact list` and by a copy with referrers into a layout."""
    await published.attach(p256())
    host = {"tls": "enabled", "regcert": guarded.server.certificate.read_text(), "user": USER, "pass": PASSWORD}
    name = guarded.direct.partition("/")[0]
    (tmp_path / "regctl.json").write_text(json.dumps({"hosts": {name: host}}))

    def regctl(*argv):
        env = {**os.environ, "HOME": str(tmp_path), "REGCTL_CONFIG": str(tmp_path / "regctl.json")}
        return subprocess.run(["regctl", *argv], check=True, capture_output=True, text=True, env=env).stdout

    regctl("image", "copy", "--referrers", f"{guarded.direct}:v1", f"ocidir://{tmp_path}/copied:v1")
    for place in (f"{guarded.direct}@{{}}", f"ocidir://{tmp_path}/copied@{{}}"):
        for digest in published.subjects:
            listed = json.loads(regctl("artifact", "list", place.format(digest), "--format", "{{json .}}"))
            kinds = {one["annotations"]["dev.sigstore.bundle.predicateType"] for one in listed["descriptors"]}
            assert kinds == set(GOOD), place


def prover(published: Attached, signer: signing.KeySigner) -> Prover:
    """Who attaches as a publish does, in every form."""
    settings = Config(publish=PublishSettings(attest_style=("simple-signing",)))
    call = SimpleNamespace(project=SimpleNamespace(config=settings))
    where = parse_reference(published.name)
    return Prover(published.repository, where, Vouching(signer), Origin(), cast(Any, call))


async def attach_as_a_publish(published: Attached, signer: signing.KeySigner) -> None:
    said = {kind: told(one) for kind, one in GOOD.items() if kind != SIGNATURE}
    for digest in published.subjects:
        await prover(published, signer).attach("it", digest, said)


async def test_publishing_the_same_again_writes_nothing(published, guarded):
    """Judge: the registry's own requests, as a proxy before it counts them."""
    signer = await signer_of(p256())
    await attach_as_a_publish(published, signer)
    written = len([one for one in guarded.proxy.requests if one.method not in ("GET", "HEAD")])
    await attach_as_a_publish(published, signer)
    assert len([one for one in guarded.proxy.requests if one.method not in ("GET", "HEAD")]) == written > 0


@pytest.mark.parametrize("same", [True, False])
async def test_two_publishers_at_once_lose_nothing_of_each_other(published, same):
    """Debian's registry keeps the list of referrers at a tag, which either may overwrite."""
    first = p256()
    second = first if same else p256()
    await asyncio.gather(
        attach_as_a_publish(published, await signer_of(first)), attach_as_a_publish(published, await signer_of(second))
    )
    assert await published.verdicts(trusting(first)) == {}
    assert await published.verdicts(trusting(second)) == {}


def refusing_from(write: int) -> Any:
    """The registry takes so many writes and no more, as if their sender had died."""
    left = [write]

    def fault(handler: Any, _: bytes) -> bool:
        if handler.command in ("GET", "HEAD"):
            return False
        left[0] -= 1
        if left[0] >= 0:
            return False
        handler.send_response(403)
        handler.send_header("content-length", "0")
        handler.end_headers()
        return True

    return fault


async def test_a_publisher_that_dies_leaves_the_tag_at_the_old_image_or_at_the_new_with_all_its_statements(
    published, guarded, monkeypatch
):
    secret = p256()
    signer = await signer_of(secret)
    guarded.put("main", text="old")
    old = (await published.repository.manifest("main")).digest
    new = await index.read(published.repository, "v1")
    base = Base(published.name, "Dockerfile", ".", ("",), (), BaseSettings())
    project = Project(cast(Any, None), Config(), (base,), ())
    clock = SimpleNamespace(now=lambda: 0.0, started="")
    call = cast(Any, SimpleNamespace(project=project, clock=clock, images=SimpleNamespace(warnings=[])))
    account = cast(Any, SimpleNamespace(credentials=told(Credential(USER, PASSWORD))))
    event = events.parse(events.Named("refs/heads/main"), "main")
    request = publication.PublishRequest(event, account, ("linux/amd64",))

    async def upload(*_: Any) -> Uploaded:
        await attach_as_a_publish(published, signer)
        return Uploaded((replace(parse_reference(published.name), tag="main"),), new)

    monkeypatch.setattr(publication, "_admitted", told(None))
    monkeypatch.setattr(publication, "_checked", told(Report("tests", ())))
    monkeypatch.setattr(publication, "_for_platform", lambda *_: call)
    monkeypatch.setattr(publication, "_upload", upload)
    states = []
    for write in range(0, 60, 7):
        guarded.proxy.faults[:] = [refusing_from(write)]
        try:
            await publication.publish(call, request)
        except BaselardError as error:
            states.append("old")
            assert "403" in str(error)
            assert (await published.repository.manifest("main")).digest == old
        else:
            states.append("new")
            break
    guarded.proxy.faults.clear()
    assert states[-1] == "new" and states.count("old") >= 3
    assert (await published.repository.manifest("main")).digest == new.digest
    assert await published.verdicts(trusting(secret)) == {}
