"""Runs in a container beside sigstore's client: `python3 FILE who|sign|check DIRECTORY`; the answer is /tmp/answer.

`who` tells whom the token names, and asks whether the services answer; `sign` makes a bundle of each N.statement;
`check` judges each N.bundle. Exit code 3: the token or the request is refused; 4: a service does not answer.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import requests
from cryptography.x509 import Certificate, SubjectAlternativeName
from sigstore.dsse import Statement
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken, detect_credential
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import UnsafeNoOp

_ISSUERS = ("1.3.6.1.4.1.57264.1.8", "1.3.6.1.4.1.57264.1.1")  # a DER string, and before that a bare one
_REFUSED, _OUTAGE = 3, 4


def trust_config(root: Path) -> ClientTrustConfig:
    file = root / "services.json"
    return ClientTrustConfig.from_json(file.read_text()) if file.exists() else ClientTrustConfig.production()


def token() -> IdentityToken:
    text = os.environ.get("SIGSTORE_ID_TOKEN")
    if not text and "ACTIONS_ID_TOKEN_REQUEST_URL" in os.environ:
        os.environ["GITHUB_ACTIONS"] = "true"
        text = detect_credential()
    return IdentityToken((text or "").strip())


def who(root: Path) -> Any:
    """Whom a certificate for this token names. It is not the token's subject: of GitHub's it is the workflow."""
    config = trust_config(root)
    context = SigningContext.from_trust_config(config)
    answer = requests.get(config.signing_config._tlogs[0].url, timeout=30)  # nothing else tells where the log is
    if answer.status_code >= 500:
        answer.raise_for_status()
    with context.signer(token()) as signer:
        return named(signer._signing_cert())


def sign(root: Path) -> Any:
    with SigningContext.from_trust_config(trust_config(root)).signer(token()) as signer:
        return [signer.sign_dsse(Statement(file.read_bytes())).to_json() for file in numbered(root, "statement")]


def check(root: Path) -> Any:
    verifier = Verifier(trusted_root=trust_config(root).trusted_root)
    return [judged(verifier, file.read_text()) for file in numbered(root, "bundle")]


def judged(verifier: Verifier, text: str) -> dict[str, str]:
    try:
        bundle = Bundle.from_json(text)
        _, payload = verifier.verify_dsse(bundle, UnsafeNoOp())
        return {"payload": hashlib.sha256(payload).hexdigest(), **named(bundle.signing_certificate)}
    except Exception as error:  # whatever a forged bundle brings about is a reason not to take it
        return {"problem": " ".join(str(error).split()) or type(error).__name__}


def named(certificate: Certificate) -> dict[str, str]:
    """Whom the certificate names, and who knew them."""
    extensions = certificate.extensions
    (name,) = extensions.get_extension_for_class(SubjectAlternativeName).value
    by_oid = {one.oid.dotted_string: one.value.value for one in extensions if hasattr(one.value, "value")}
    issuer = by_oid[_ISSUERS[0]][2:] if _ISSUERS[0] in by_oid else by_oid[_ISSUERS[1]]
    return {"identity": str(name.value), "issuer": issuer.decode()}


def numbered(root: Path, ending: str) -> list[Path]:
    return sorted(root.glob(f"*.{ending}"), key=lambda file: int(file.stem))


def main(task: str, directory: str, answer: str = "/tmp/answer") -> int:  # noqa: S108  # a container's own
    try:
        said = {"who": who, "sign": sign, "check": check}[task](Path(directory))
    except Exception as error:
        print(f"{type(error).__name__}: {' '.join(str(error).split())}"[:500], file=sys.stderr)
        return _OUTAGE if outage(error) else _REFUSED
    Path(answer).write_text(json.dumps(said))
    return 0


def outage(error: BaseException | None) -> bool:
    """Whether a service could not be reached, or said that it is broken."""
    while error is not None:
        for one in (error, *error.args):
            if isinstance(one, (requests.ConnectionError, requests.Timeout)):
                return True
            if isinstance(one, requests.HTTPError) and one.response is not None and one.response.status_code >= 500:
                return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
