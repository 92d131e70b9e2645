"""Loans of this machine to every container while it runs: proxies, package mirrors, extra CA certificates.

None of it enters an image, a layer or a key, and nothing is put in the place of a value that the user set: a real
Dagger engine treats proxies and custom CAs the same way.
"""

import configparser
import contextlib
import functools
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import inside
from baselard.engine.images import debian_mirror
from baselard.engine.run.containers import limits as container_limits
from baselard.engine.run.containers.limits import Limits
from baselard.engine.solver import digest
from baselard.oci import digests

TARGET = "/run/baselard"
"""Where files are mounted: nothing of the image's own, since update-ca-certificates could not rename over a mount."""

CA_TARGET = f"{TARGET}/ca.crt"

_FILE_VARIABLES = {
    "SSL_CERT_FILE": "ca.crt",
    "NODE_EXTRA_CA_CERTS": "ca.crt",
    "PIP_CERT": "ca.crt",
    "REQUESTS_CA_BUNDLE": "ca.crt",
    "CURL_CA_BUNDLE": "ca.crt",
    "GIT_SSL_CAINFO": "ca.crt",
    "CARGO_HTTP_CAINFO": "ca.crt",
    "DENO_CERT": "ca.crt",
    "AWS_CA_BUNDLE": "ca.crt",
    "APT_CONFIG": "apt.conf",
    "WGETRC": "wgetrc",
}
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
"""Variables that say how to reach a network, in either case of letters, and nothing of what is to be made."""
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
_LOOPBACK = re.compile(r"\b(?P<scheme>https?)://([^/@\s]*@)?(localhost|127\.0\.0\.1)(:(?P<port>[0-9]{1,5}))?(?![\w.])")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PREFIX = "BASELARD_EXEC_"
_PIP_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")
_IMAGE_BUNDLES = ("etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/ca-bundle.pem")
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_SHIPPED = Path("/usr/share/ca-certificates")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


@dataclass(frozen=True)
class HostEnvironment:
    """What every container gets when it runs.

    ``variables`` are added where the user set none of that name (letter case apart). ``ca_file`` is this machine's
    bundle in PEM. ``redirects`` are URLs of Debian's archive with those of a mirror to fetch from instead. ``limits``
    hold for each container.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    ca_file: Path | None = None
    redirects: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    @property
    def loopback_ports(self) -> list[int]:
        """Ports on this machine's own loopback that the variables lead to (a local proxy, for one)."""
        found = (match for value in self.variables.values() for match in _LOOPBACK.finditer(value))
        return sorted({int(match["port"] or _DEFAULT_PORTS[match["scheme"]]) for match in found})

    def for_exec(self, env: Sequence[tuple[str, str]], lent: "Lent | None", near: Iterable[str] = ()) -> dict[str, str]:
        """The variables to add to ``env``; names in ``near`` (a container's services) are not asked for by proxy."""
        taken = {name.lower() for name, _ in env}
        given = {**self.variables, **(lent.variables if lent else {})}
        if any(name.lower() in PROXIES for name in given):
            direct = ",".join(filter(None, (given.get("no_proxy", ""), "localhost,127.0.0.1,::1", *near)))
            given |= {"no_proxy": direct, "NO_PROXY": direct}
        return {name: value for name, value in given.items() if name.lower() not in taken}

    def lend(self, rootfs: Path, directory: Path, redirector: int = 0) -> "Lent | None":
        """Files for one container, in a directory made below ``directory``; containers alike share one.

        ``redirector`` is the port on its loopback where requests for Debian's archive are redirected, 0 for none.
        None when there is nothing to lend.
        """
        certificates = extra_certificates(self.ca_file) if self.ca_file else b""
        files = {}
        apt = _apt_proxies(self.redirects, redirector) if redirector else ""
        if certificates:
            files["ca.crt"] = certificates + b"\n" + _image_bundle(rootfs)
            files["wgetrc"] = f"ca_certificate = {CA_TARGET}\n".encode()
            apt += f'Acquire::https::CAInfo "{CA_TARGET}";\n'
        if apt:
            files["apt.conf"] = apt.encode()
        return _written(files, directory) if files else None


@dataclass(frozen=True)
class Lent:
    """A directory to mount at TARGET, and the variables that make programs look there."""

    directory: Path
    variables: Mapping[str, str]


def detect(environ: Mapping[str, str] | None = None) -> HostEnvironment:
    """Read this machine's settings: its environment, pip's and apt's configuration, the CA bundle.

    ``BASELARD_EXEC_NAME=value`` gives every container NAME, and comes before everything else; ``BASELARD_CA_FILE`` or
    ``SSL_CERT_FILE`` name a bundle other than /etc/ssl/certs/ca-certificates.crt; ``BASELARD_MEMORY`` (``512m``,
    ``2g``) and its like limit each container (containers/limits.py).
    Raises UserError for a limit that is none.
    """
    env = os.environ if environ is None else environ
    variables = dict(_pip_settings())
    variables |= {name: env[name] for name in _MIRRORS if env.get(name)}
    variables |= dict(_proxies(env))
    variables |= {name.removeprefix(_PREFIX): value for name, value in env.items() if name.startswith(_PREFIX)}
    ca_file = Path(env.get("BASELARD_CA_FILE") or env.get("SSL_CERT_FILE") or _BUNDLE)
    redirects = {ours: other for ours, other in debian_mirror.stand_ins(env).items() if ours != other}
    return HostEnvironment(variables, ca_file, redirects, container_limits.read(env))


def rehearse() -> None:
    """Have at hand what containers are usually lent: for a process whose forks run them."""
    extra_certificates(_BUNDLE)


def extra_certificates(path: Path) -> bytes:
    """The bundle at ``path`` if it holds more than the distribution ships, else nothing: containers have those."""
    return _extra(path, _changed(path), _changed(_SHIPPED))


def _changed(path: Path) -> int:
    """When a file or directory was changed; 0 where it cannot be seen."""
    try:
        return os.stat(path).st_ctime_ns
    except OSError:
        return 0


@functools.cache
def _extra(path: Path, *_: int) -> bytes:
    """The answer of ``extra_certificates`` as long as the files are these."""
    try:
        content = path.read_bytes()
    except OSError:
        return b""
    shipped = {_body(text) for file in _SHIPPED.rglob("*.crt") for text in _CERTIFICATE.findall(file.read_bytes())}
    return content if any(_body(text) not in shipped for text in _CERTIFICATE.findall(content)) else b""


def _proxies(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Both spellings, since curl reads only the lower case and others only the upper."""
    for name in PROXIES:
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


def _apt_proxies(redirects: Mapping[str, str], port: int) -> str:
    hosts = sorted({url.split("/")[2] for url in redirects})
    return "".join(f'Acquire::http::Proxy::{host} "http://127.0.0.1:{port}";\n' for host in hosts)


def _written(files: Mapping[str, bytes], directory: Path) -> Lent:
    contents = {name: digests.of_bytes(content) for name, content in files.items()}  # JSON of a bundle takes 7 ms
    target = directory / ("lent-" + digest.of("lent.v1", contents)[7:23])
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=directory) as work:
            fresh = Path(work) / "lent"
            fresh.mkdir(mode=0o755)
            for name, content in files.items():
                (fresh / name).write_bytes(content)
            with contextlib.suppress(OSError):  # another thread was quicker
                fresh.rename(target)
    variables = {name: f"{TARGET}/{file}" for name, file in _FILE_VARIABLES.items() if file in files}
    return Lent(target, variables)


def _body(certificate: bytes) -> bytes:
    return b"".join(certificate.split())


def _image_bundle(rootfs: Path) -> bytes:
    for name in _IMAGE_BUNDLES:
        with contextlib.suppress(UserError):  # whatever else it is, it lends nothing
            if found := inside.read(rootfs, name):
                return found
    return b""
