"""Fulcio, Rekor and GitHub's endpoint for tokens on loopback, answering as their documentation says.

https://github.com/sigstore/fulcio/blob/main/fulcio.proto (CreateSigningCertificate, an embedded SCT),
https://github.com/sigstore/rekor/blob/main/openapi.yaml (createLogEntry), RFC 6962 (SCT and Merkle tree),
https://docs.github.com/actions/reference/security/oidc. They sign with keys of their own, which `services` names.
"""

import base64
import hashlib
import http.server
import json
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlparse

import jwt
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, ObjectIdentifier

GITHUB = "https://token.actions.githubusercontent.com"
WORKFLOW = "acme/base/.github/workflows/ci.yml@refs/heads/main"
IDENTITY = f"https://github.com/{WORKFLOW}"
REQUEST_TOKEN = "request-token"  # ours
_BARE_ISSUER, _ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.1"), ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_SECRET = "whoever asks this server is known to it"  # ours
_START = datetime(2026, 1, 1, tzinfo=UTC)


def _new() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _signed(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


@dataclass
class Standin:
    """The three services. ``down`` are those that answer 503; ``lifetime`` is how long certificates are valid, and
    ``began`` how long before now that begins."""

    address: str = ""
    port: int = 0
    authority: ec.EllipticCurvePrivateKey = field(default_factory=_new)
    certificate_log: ec.EllipticCurvePrivateKey = field(default_factory=_new)
    log: ec.EllipticCurvePrivateKey = field(default_factory=_new)
    down: set[str] = field(default_factory=set)
    workflow: str = WORKFLOW
    began: timedelta = timedelta(seconds=5)
    lifetime: timedelta = timedelta(minutes=10)
    leaves: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def token(self, **claims: Any) -> str:
        """An identity token, such as GitHub's."""
        now = int(time.time())
        known = {
            "iss": GITHUB,
            "aud": "sigstore",
            "sub": "repo:acme/base:ref:refs/heads/main",
            "job_workflow_ref": self.workflow,
            "iat": now,
            "exp": now + 300,
        }
        return jwt.encode({**known, **claims}, _SECRET, algorithm="HS256")

    @property
    def root(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the tests' Fulcio")])
        usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}  # x509's own
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.authority.public_key())
            .serial_number(1)
            .not_valid_before(_START)
            .not_valid_after(_START + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.authority.public_key()), critical=False)
            .sign(self.authority, hashes.SHA256())
        )

    @property
    def services(self) -> str:
        """Where these services are and which keys are theirs, as sigstore's clients read it."""
        valid = {"start": "2026-01-01T00:00:00Z"}
        service = {"url": self.address, "majorApiVersion": 1, "validFor": valid, "operator": "tests"}
        root = base64.b64encode(self.root.public_bytes(serialization.Encoding.DER)).decode()

        def log(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            return {
                "baseUrl": self.address,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": base64.b64encode(_der(key)).decode(),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": valid,
                },
                "logId": {"keyId": base64.b64encode(hashlib.sha256(_der(key)).digest()).decode()},
            }

        authority = {
            "subject": {"organization": "tests", "commonName": "the tests' Fulcio"},
            "uri": self.address,
            "certChain": {"certificates": [{"rawBytes": root}]},
            "validFor": valid,
        }
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
                "trustedRoot": {
                    "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                    "tlogs": [log(self.log)],
                    "certificateAuthorities": [authority],
                    "ctlogs": [log(self.certificate_log)],
                    "timestampAuthorities": [],
                },
                "signingConfig": {
                    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                    "caUrls": [service],
                    "oidcUrls": [service],
                    "rekorTlogUrls": [service],
                    "tsaUrls": [],
                    "rekorTlogConfig": {"selector": "ANY"},
                    "tsaConfig": {"selector": "ANY"},
                },
            }
        )

    def certify(self, request: x509.CertificateSigningRequest, token: str) -> list[str]:
        """The chain of a certificate for whom the token names; jwt's error for a token that is none."""
        claims = jwt.decode(token, _SECRET, algorithms=["HS256"], audience="sigstore")
        name = (
            x509.UniformResourceIdentifier(f"https://github.com/{claims['job_workflow_ref']}")
            if claims["iss"] == GITHUB
            else x509.RFC822Name(claims["email"])
        )
        issuer = str(claims["iss"]).encode()
        begin = datetime.now(UTC) - self.began
        usage = dict.fromkeys(_USAGES, False) | {"digital_signature": True}  # x509's own
        public = request.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.root.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + self.lifetime)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_BARE_ISSUER, issuer), critical=False)
            .add_extension(x509.UnrecognizedExtension(_ISSUER, bytes([0x0C, len(issuer)]) + issuer), critical=False)
        )
        before = builder.sign(self.authority, hashes.SHA256()).tbs_certificate_bytes
        stamps = x509.UnrecognizedExtension(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, self._stamps(before))
        leaf = builder.add_extension(stamps, critical=False).sign(self.authority, hashes.SHA256())
        return [one.public_bytes(serialization.Encoding.PEM).decode() for one in (leaf, self.root)]

    def _stamps(self, tbs: bytes) -> bytes:
        """A list with one SCT of a precertificate (RFC 6962, sections 3.2 and 3.3), within its OCTET STRING."""
        moment = int(time.time() * 1000)
        entry = hashlib.sha256(_der(self.authority)).digest() + len(tbs).to_bytes(3, "big") + tbs
        signature = _signed(self.certificate_log, struct.pack("!BBQH", 0, 0, moment, 1) + entry + b"\0\0")
        sct = struct.pack("!B32sQH", 0, hashlib.sha256(_der(self.certificate_log)).digest(), moment, 0)
        sct += struct.pack("!BBH", 4, 3, len(signature)) + signature  # SHA-256, ECDSA
        listed = struct.pack("!HH", len(sct) + 2, len(sct)) + sct
        return bytes([0x04, 0x81, len(listed)]) + listed if len(listed) > 127 else bytes([0x04, len(listed)]) + listed

    def enter(self, proposed: Any) -> dict[str, Any]:
        """A new entry of the log about an envelope, as Rekor's dsse 0.0.1 writes it."""
        content = proposed["spec"]["proposedContent"]
        envelope = json.loads(content["envelope"])
        signatures = [{"signature": one["sig"], "verifier": content["verifiers"][0]} for one in envelope["signatures"]]
        body = rfc8785.dumps(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": _hash(content["envelope"].encode()),
                    "payloadHash": _hash(base64.b64decode(envelope["payload"])),
                    "signatures": signatures,
                },
            }
        )
        self.leaves.append(hashlib.sha256(b"\0" + body).digest())
        at = len(self.leaves) - 1
        root = _root(self.leaves)
        entry: dict[str, Any] = {
            "body": base64.b64encode(body).decode(),
            "integratedTime": int(time.time()),
            "logID": hashlib.sha256(_der(self.log)).hexdigest(),
            "logIndex": at,
        }
        promise = base64.b64encode(_signed(self.log, rfc8785.dumps(entry))).decode()
        proof = {
            "checkpoint": self._checkpoint(root),
            "hashes": [one.hex() for one in _path(at, self.leaves)],
            "logIndex": at,
            "rootHash": root.hex(),
            "treeSize": len(self.leaves),
        }
        return {
            hashlib.sha256(body).hexdigest(): {
                **entry,
                "verification": {"signedEntryTimestamp": promise, "inclusionProof": proof},
            }
        }

    def _checkpoint(self, root: bytes) -> str:
        """A signed note: https://github.com/transparency-dev/formats/blob/main/log/README.md."""
        note = f"tests - 1\n{len(self.leaves)}\n{base64.b64encode(root).decode()}\n"
        signature = hashlib.sha256(_der(self.log)).digest()[:4] + _signed(self.log, note.encode())
        return f"{note}\n— tests {base64.b64encode(signature).decode()}\n"


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _hash(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _split(count: int) -> int:
    """The largest power of two that is less."""
    return 1 << (count - 1).bit_length() - 1


def _root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    at = _split(len(leaves))
    return hashlib.sha256(b"\1" + _root(leaves[:at]) + _root(leaves[at:])).digest()


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    at = _split(len(leaves))
    if index < at:
        return [*_path(index, leaves[:at]), _root(leaves[at:])]
    return [*_path(index - at, leaves[at:]), _root(leaves[:at])]


class _Handler(http.server.BaseHTTPRequestHandler):
    standin: Standin

    def do_GET(self) -> None:
        url = urlparse(self.path)
        self.standin.asked.append(f"GET {url.path}")
        if url.path == "/token":
            known = self.headers.get("authorization") == f"bearer {REQUEST_TOKEN}"
            asked = parse_qs(url.query).get("audience") == ["sigstore"]
            if known and asked:
                self._answer(200, {"value": self.standin.token()})
            else:
                self._answer(401, {"message": "who are you?"})
        else:
            self._answer(503 if "rekor" in self.standin.down else 404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.standin.asked.append(f"POST {self.path}")
        if self.path == "/api/v2/signingCert":
            self._certify(body)
        elif self.path == "/api/v1/log/entries":
            self._answer(503, {}) if "rekor" in self.standin.down else self._answer(201, self.standin.enter(body))
        else:
            self._answer(404, {})

    def _certify(self, body: Any) -> None:
        request = x509.load_pem_x509_csr(base64.b64decode(body["certificateSigningRequest"]))
        if "fulcio" in self.standin.down:
            self._answer(503, {})
            return
        try:
            chain = self.standin.certify(request, self.headers["authorization"].removeprefix("Bearer "))
        except jwt.InvalidTokenError as error:
            self._answer(401, {"code": 16, "message": f"the token is not known here: {error}"})
        else:
            self._answer(200, {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def running_sigstore(host: str = "127.0.0.1") -> Iterator[Standin]:
    """The services at this address of the machine."""
    standin = Standin()

    server = http.server.ThreadingHTTPServer((host, 0), type("Handler", (_Handler,), {"standin": standin}))
    standin.port = server.server_port
    standin.address = f"http://{host}:{standin.port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield standin
    finally:
        server.shutdown()
        server.server_close()
