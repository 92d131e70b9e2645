"""Statements signed with certificates: sigstore's own client against a Fulcio and a Rekor of the tests' own.

Foreign judges: `sigstore verify` as installed from PyPI, and cosign where it is installed.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.errors import UsageError
from pipeline.proof import bundle, keyless, sigstore_client
from pipeline.proof.bundle import SignedStatement
from pipeline.proof.keyless import KeylessSigner, OutageError
from pipeline.proof.statement import PROVENANCE, Statement
from pipeline.proof.trust import Identity
from tests.sigstore_servers import GITHUB, IDENTITY, REQUEST_TOKEN, Standin, running_sigstore

pytestmark = pytest.mark.anyio
DIGEST = "sha256:" + "5" * 64
STATEMENT = Statement("example.com/base", DIGEST, PROVENANCE, {"buildDefinition": {}}).body


@pytest.fixture
def services() -> Iterator[Standin]:
    with running_sigstore() as standin:
        yield standin


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program runs on this machine instead of in a container."""

    async def answered(task: str, roots: str, files: Mapping[str, str], secrets: Mapping[str, Any]) -> Any:
        place = tmp_path / f"{task}-{len(list(tmp_path.iterdir()))}"
        place.mkdir()
        for name, text in {**files, **({"services.json": roots} if roots else {})}.items():
            (place / name).write_text(text)
        with monkeypatch.context() as patched, redirect_stderr(StringIO()) as printed:
            for name in ("GITHUB_ACTIONS", *keyless.secrets("github"), "SIGSTORE_ID_TOKEN"):
                patched.delenv(name, raising=False)
            for name, value in secrets.items():
                patched.setenv(name, value)
            code = sigstore_client.main(task, str(place), f"{place}/answer")
        if code:
            raise keyless.refused(code, printed.getvalue())
        return json.loads((place / "answer").read_text())

    monkeypatch.setattr(keyless, "_answer", answered)


def by_github(services: Standin) -> dict[str, str]:
    """What GitHub gives a workflow that may ask for tokens; its address has a query already."""
    return {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{services.address}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
    }


async def signer_of(services: Standin, secrets: Mapping[str, str] | None = None) -> KeylessSigner:
    given = by_github(services) if secrets is None else secrets
    return await keyless.asked(services.services, cast(Any, given))


async def one_bundle(services: Standin) -> bytes:
    (made,) = await (await signer_of(services)).sign([STATEMENT])
    return made


def trusting(services: Standin, subject: str = IDENTITY, issuer: str = GITHUB) -> Identity:
    return Identity(subject, issuer, services.services)


async def problem(trusted: Identity, body: bytes) -> str:
    (said,) = await keyless.problems(trusted, [bundle.read(body)])
    return said


async def test_a_workflow_signs_by_githubs_token_and_is_known_again(services):
    signer = await signer_of(services)
    assert (signer.who.subject, signer.who.issuer) == (IDENTITY, GITHUB)
    made = await signer.sign([STATEMENT, STATEMENT])
    assert await keyless.problems(signer.who, [bundle.read(one) for one in made]) == ["", ""]
    assert await problem(trusting(services, "https://github.com/acme/base/.github/workflows/*"), made[0]) == ""
    assert services.asked.count("POST /api/v1/log/entries") == 2
    read = bundle.read(made[0])
    assert read.payload == STATEMENT
    assert json.loads(made[0])["mediaType"] == bundle.MEDIA_TYPE


async def test_a_token_given_as_it_is_signs_as_its_owner(services):
    token = services.token(iss="https://accounts.example.com", email="a@example.com", sub="17")
    signer = await signer_of(services, {"SIGSTORE_ID_TOKEN": token})
    assert (signer.who.subject, signer.who.issuer) == ("a@example.com", "https://accounts.example.com")


async def test_another_identity_or_issuer_is_not_trusted(services):
    made = await one_bundle(services)
    said = await problem(trusting(services, "https://github.com/acme/other/*"), made)
    assert said.startswith(f"it is signed by {IDENTITY}, whom {GITHUB} knows, but https://github.com/acme/other/*")
    assert "is trusted here" in await problem(trusting(services, IDENTITY, "https://issuer.example"), made)


async def test_a_certificate_of_another_authority_or_an_entry_of_another_log_does_not_hold(services):
    made = await one_bundle(services)
    with running_sigstore() as other:
        assert "certificate chain" in await problem(trusting(other), made)
        mixed = replace(other, authority=services.authority, certificate_log=services.certificate_log)
        assert "invalid log entry" in await problem(trusting(mixed), made)


async def test_a_certificate_that_had_expired_before_it_signed_does_not_hold(services):
    """Fulcio's own are valid for ten minutes; the log's time says whether it was in time."""
    signer = await signer_of(services)
    services.began, services.lifetime = timedelta(hours=1), timedelta(minutes=10)
    with pytest.raises(UsageError, match="ExpiredCertificate"):
        await signer.sign([STATEMENT])
    services.lifetime = timedelta(hours=2)
    (made,) = await signer.sign([STATEMENT])
    document = json.loads(made)
    (entry,) = document["verificationMaterial"]["tlogEntries"]
    entry["integratedTime"] = str(int(entry["integratedTime"]) + 24 * 3600)
    assert "certificate chain" in await problem(trusting(services), json.dumps(document).encode())


def changed_payload(document: Any) -> None:
    payload = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
    payload["predicate"]["more"] = 1
    document["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()


def changed_signature(document: Any) -> None:
    (one,) = document["dsseEnvelope"]["signatures"]
    data = bytearray(base64.b64decode(one["sig"]))
    data[-1] ^= 1
    one["sig"] = base64.b64encode(data).decode()


def no_log(document: Any) -> None:
    document["verificationMaterial"]["tlogEntries"] = []


def other_time(document: Any) -> None:
    (entry,) = document["verificationMaterial"]["tlogEntries"]
    entry["integratedTime"] = str(int(entry["integratedTime"]) + 1)


def other_place(document: Any) -> None:
    (entry,) = document["verificationMaterial"]["tlogEntries"]
    entry["inclusionProof"]["rootHash"] = base64.b64encode(b"7" * 32).decode()


def broken_certificate(document: Any) -> None:
    document["verificationMaterial"]["certificate"]["rawBytes"] = "AAAA"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed_payload, "invalid signature"),
        (changed_signature, "invalid signature"),
        (no_log, "expected exactly one log entry"),
        (other_time, "invalid inclusion promise"),
        (other_place, "inclusion proof"),
        (broken_certificate, "its certificate or its entry in the log does not hold"),
    ],
)
async def test_whatever_is_changed_after_signing_does_not_hold(
    services: Standin, change: Callable[[Any], None], said: str
) -> None:
    document = json.loads(await one_bundle(services))
    change(document)
    assert said in await problem(trusting(services), json.dumps(document).encode())


async def test_a_statement_that_only_seems_to_be_in_the_bundle_does_not_hold(services):
    made = await one_bundle(services)
    claimed = SignedStatement(b"{}", b"", certified=made)
    assert await keyless.problems(trusting(services), [claimed]) == [
        "its signature does not fit: it is of another statement"
    ]


@pytest.mark.parametrize("service", ["fulcio", "rekor"])
async def test_a_service_that_does_not_answer_is_an_outage(services, service):
    services.down.add(service)
    with pytest.raises(OutageError, match="do not answer"):
        await signer_of(services)


async def test_nobody_listening_is_an_outage(services):
    with running_sigstore() as gone:
        pass
    with pytest.raises(OutageError, match="do not answer"):
        await keyless.asked(gone.services, cast(Any, by_github(services)))


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ({"SIGSTORE_ID_TOKEN": "x"}, "malformed"),
        ({}, "malformed"),
        ({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "other"}, "401"),
    ],
)
async def test_a_token_that_is_none_is_refused(services, secrets, said):
    if "ACTIONS_ID_TOKEN_REQUEST_TOKEN" in secrets:
        secrets = {**by_github(services), **secrets}
    with pytest.raises(UsageError, match=said):
        await signer_of(services, secrets)


async def test_an_expired_token_is_refused(services):
    with pytest.raises(UsageError, match="refuses"):
        await signer_of(services, {"SIGSTORE_ID_TOKEN": services.token(exp=1)})


async def test_the_reference_client_judges_the_same(services, tmp_path):
    """sigstore-python's own command: it goes by the image's digest, which the statement names as its subject."""
    made = await one_bundle(services)
    (tmp_path / "services.json").write_text(services.services)

    def verified(body: bytes, identity: str, digest: str) -> int:
        (tmp_path / "it.json").write_bytes(body)
        argv = [sys.executable, "-m", "sigstore", "--trust-config", str(tmp_path / "services.json"), "verify"]
        argv += ["identity", "--bundle", str(tmp_path / "it.json"), "--cert-identity", identity]
        done = subprocess.run(
            [*argv, "--cert-oidc-issuer", GITHUB, digest], check=False, capture_output=True, text=True
        )
        return done.returncode

    assert verified(made, IDENTITY, DIGEST) == 0
    assert verified(made, IDENTITY, DIGEST[:-1] + "6") == 1
    assert verified(made, "https://github.com/acme/other", DIGEST) == 1
    document = json.loads(made)
    changed_payload(document)
    assert verified(json.dumps(document).encode(), IDENTITY, DIGEST) == 1


@pytest.mark.skipif(
    not shutil.which("cosign"),
    reason="cosign is not installed: go install github.com/sigstore/cosign/v3/cmd/cosign@latest",
)
async def test_cosign_judges_the_same(services, tmp_path):
    made = await one_bundle(services)
    (tmp_path / "root.json").write_text(json.dumps(json.loads(services.services)["trustedRoot"]))

    def verified(body: bytes, identity: str) -> bool:
        (tmp_path / "it.json").write_bytes(body)
        argv = ["cosign", "verify-blob-attestation", "--bundle", str(tmp_path / "it.json"), "--type", "slsaprovenance1"]
        argv += ["--trusted-root", str(tmp_path / "root.json"), "--certificate-oidc-issuer", GITHUB]
        argv += [
            "--certificate-identity",
            identity,
            "--digest",
            DIGEST.removeprefix("sha256:"),
            "--digestAlg",
            "sha256",
        ]
        home = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(argv, check=False, capture_output=True, text=True, env=home)
        return done.returncode == 0

    assert verified(made, IDENTITY)
    assert not verified(made, "https://github.com/acme/other")
    document = json.loads(made)
    changed_payload(document)
    assert not verified(json.dumps(document).encode(), IDENTITY)
