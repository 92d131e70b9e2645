"""Signing as somebody whom a token names, without a key to keep: sigstore's certificates and its transparency log.

sigstore's own client does it in a container, and checks such signatures there: https://docs.sigstore.dev/about/overview/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagger
from dagger import dag

from pipeline import debian, spans
from pipeline.errors import BaselardError, UsageError
from pipeline.project import Project
from pipeline.proof import settings, signing
from pipeline.proof.bundle import SignedStatement
from pipeline.proof.trust import Identity, Trust

PACKAGE = "sigstore==4.5.1"
_INSTALL = debian.install_locked("sigstore", ["ca-certificates"])
# An engine that lends its machine's certificates says so by this variable, and passes over one that is set.
_RUN = """\
export REQUESTS_CA_BUNDLE="${REQUESTS_CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}"
exec python3 /work/program.py "$@"
"""
_PROGRAM = Path(__file__).with_name("sigstore_client.py")
_OUTAGE = 4  # what the program exits with
_GITHUB = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")


class OutageError(BaselardError):
    """One of sigstore's services does not answer."""


@dataclass(frozen=True)
class KeylessSigner:
    """A signer whom a token names; ``who`` is the identity that a certificate will have."""

    who: Identity
    secrets: Mapping[str, dagger.Secret]

    @property
    def trust(self) -> Trust:
        return Trust(identity=self.who)

    @property
    def told(self) -> str:
        return f"as {self.who.subject}, whom {self.who.issuer} knows"

    async def sign(self, payloads: Sequence[bytes]) -> list[bytes]:
        files = {f"{at}.statement": one.decode() for at, one in enumerate(payloads)}
        with spans.task("sign", folded=True):
            made = await _answer("sign", self.who.roots, files, self.secrets) if payloads else []
        return [str(one).encode() for one in made]


def secrets(oidc: str) -> dict[str, str]:
    """The secrets that a setting of `sign.oidc` needs, by the name of the variable."""
    return {name: f"env://{name}" for name in _GITHUB} if oidc == "github" else {"SIGSTORE_ID_TOKEN": oidc}


async def signer(project: Project) -> KeylessSigner:
    """The signer whom the call's token names. UsageError where that is nobody, OutageError where one of the services
    does not answer."""
    place = f"{project.config.place(('sign', 'oidc'))}: sign.oidc"
    given = await project.given(secrets(project.config.sign.oidc), place)
    return await asked(await settings.services(project), given)


async def asked(roots: str, given: Mapping[str, dagger.Secret]) -> KeylessSigner:
    """The same by the token that these variables give."""
    with spans.task("ask who signs", folded=True):
        said = await _answer("who", roots, {}, given)
    return KeylessSigner(Identity(_literal(said["identity"]), _literal(said["issuer"]), roots), given)


async def problems(trusted: Identity, signed: Sequence[SignedStatement]) -> list[str]:
    """The fault of each of these that are signed with certificates; empty for what the trusted one signed."""
    files = {f"{at}.bundle": one.certified.decode() for at, one in enumerate(signed)}
    with spans.task("check certificates", folded=True):
        said = await _answer("check", trusted.roots, files, {})
    return [_problem(trusted, one, answer) for one, answer in zip(signed, said, strict=True)]


def _problem(trusted: Identity, signed: SignedStatement, answer: Mapping[str, Any]) -> str:
    if answer.get("problem"):
        return f"its certificate or its entry in the log does not hold: {answer['problem']}"
    if bytes.fromhex(answer["payload"]) != signed.hash:
        return "its signature does not fit: it is of another statement"
    who, issuer = str(answer["identity"]), str(answer["issuer"])
    if not trusted.names(who, issuer):
        return f"it is signed by {who}, whom {issuer} knows, but {trusted.subject} of {trusted.issuer} is trusted here"
    return ""


def _literal(text: str) -> str:
    """A glob that fits this text alone."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in str(text))


async def _answer(task: str, roots: str, files: Mapping[str, str], secrets: Mapping[str, dagger.Secret]) -> Any:
    """The program's answer, as JSON holds it."""
    services = {"services.json": roots} if roots else {}
    held = signing.held({"program.py": _PROGRAM.read_text(), **files, **services})
    return json.loads(await _ran(held, task, secrets))


async def _ran(held: dagger.Directory, task: str, secrets: Mapping[str, dagger.Secret]) -> str:
    container = (
        dag.container()
        .from_("debian:trixie-slim")
        .with_exec(["sh", "-c", _INSTALL])
        # A token and a log's answer are never those of another time.
        .with_env_variable("ASKED", "" if task == "check" else uuid4().hex)
    )
    for name, secret in secrets.items():
        container = container.with_secret_variable(name, secret)
    ran = container.with_mounted_directory("/work", held).with_exec(["sh", "-c", _RUN, "sh", task, "/work"])
    try:
        return await ran.file("/tmp/answer").contents()  # noqa: S108  # a container's own
    except dagger.ExecError as error:
        raise refused(error.exit_code, error.stderr) from error


def refused(code: int, printed: str) -> BaselardError:
    """The error that it means when the program ended with this code and these words."""
    said = (printed.strip().splitlines() or [f"exit code {code}"])[-1]
    if code == _OUTAGE:
        return OutageError(f"sigstore's services do not answer: {said}")
    return UsageError(f"sign.oidc: {PACKAGE} refuses: {said}")
