"""What this machine lends to every container when it runs: proxies, package mirrors, extra CA certificates.

None of it enters an image, a layer or a key, and nothing is put in the place of a value that the user set: a real
Dagger engine treats proxies and custom CAs the same way.
"""

import configparser
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine import paths

CA_TARGET = "/run/baselard-ca.crt"
"""Where the bundle is mounted: never over the image's own, since update-ca-certificates could not rename over it."""

CA_VARIABLES = (
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
    "AWS_CA_BUNDLE",
)
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_MIRRORS = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "npm_config_registry",
    "NPM_CONFIG_REGISTRY",
    "YARN_NPM_REGISTRY_SERVER",
    "GOPROXY",
    "GONOSUMDB",
    "GOSUMDB",
)
_PREFIX = "BASELARD_EXEC_"
_PIP_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")
_IMAGE_BUNDLES = ("etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/ca-bundle.pem")
_SHIPPED = Path("/usr/share/ca-certificates")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


@dataclass(frozen=True)
class HostEnvironment:
    """What every container gets when it runs.

    ``variables`` are added where the user set none of that name (letter case apart); ``certificates`` is this
    machine's bundle in PEM, empty when it trusts nobody but the public authorities. ``debian_mirror`` is the URL of an
    archive to use in the place of deb.debian.org, "" for none.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    certificates: bytes = b""
    debian_mirror: str = ""

    def for_exec(self, env: Sequence[tuple[str, str]], *, with_certificates: bool) -> dict[str, str]:
        """The variables to add to ``env``."""
        taken = {name.lower() for name, _ in env}
        lent = dict(self.variables)
        if with_certificates:
            lent |= dict.fromkeys(CA_VARIABLES, CA_TARGET)
        return {name: value for name, value in lent.items() if name.lower() not in taken}

    def bundle(self, rootfs: Path, directory: Path) -> Path | None:
        """A PEM file, made below ``directory``, of this machine's certificates and the image's own.

        None when this machine has none to lend. Containers with the same bundle share one file.
        """
        if not self.certificates:
            return None
        content = self.certificates + b"\n" + _image_bundle(rootfs)
        path = directory / f"ca-{hashlib.sha256(content).hexdigest()[:16]}.crt"
        if not path.exists():
            temporary = path.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}")
            temporary.write_bytes(content)
            temporary.replace(path)
        return path


def detect(environ: Mapping[str, str] | None = None) -> HostEnvironment:
    """Read this machine's settings: its environment, pip's configuration, the CA bundle.

    ``BASELARD_EXEC_NAME=value`` gives every container NAME, and comes before everything else; ``BASELARD_CA_FILE`` or
    ``SSL_CERT_FILE`` name a bundle other than /etc/ssl/certs/ca-certificates.crt.
    """
    env = os.environ if environ is None else environ
    variables = dict(_pip_settings())
    variables |= {name: env[name] for name in _MIRRORS if env.get(name)}
    variables |= dict(_proxies(env))
    variables |= {name.removeprefix(_PREFIX): value for name, value in env.items() if name.startswith(_PREFIX)}
    return HostEnvironment(variables, _certificates(env), env.get("BASELARD_DEBIAN_MIRROR", ""))


def _proxies(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Both spellings, since curl reads only the lower case and others only the upper."""
    for name in _PROXIES:
        if value := env.get(name) or env.get(name.upper()):
            yield name, value
            yield name.upper(), value


def _pip_settings() -> Iterator[tuple[str, str]]:
    for name in _PIP_FILES:
        parser = configparser.RawConfigParser()
        try:
            parser.read(Path(name).expanduser())
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for key in ("index-url", "extra-index-url", "trusted-host"):
            if value := parser.get("global", key, fallback=""):
                yield "PIP_" + key.replace("-", "_").upper(), " ".join(value.split())


def _certificates(env: Mapping[str, str]) -> bytes:
    """The bundle, if it holds more than the distribution ships."""
    path = Path(env.get("BASELARD_CA_FILE") or env.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
    try:
        content = path.read_bytes()
    except OSError:
        return b""
    shipped = {_body(text) for file in _SHIPPED.rglob("*.crt") for text in _CERTIFICATE.findall(file.read_bytes())}
    return content if any(_body(text) not in shipped for text in _CERTIFICATE.findall(content)) else b""


def _body(certificate: bytes) -> bytes:
    return b"".join(certificate.split())


def _image_bundle(rootfs: Path) -> bytes:
    for name in _IMAGE_BUNDLES:
        path = Path(paths.under(rootfs, paths.resolve(rootfs, name)))
        if path.is_file():
            return path.read_bytes()
    return b""
