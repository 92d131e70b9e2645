"""The trust of a connection, and how it shows itself: this machine's files, not a list bundled with Python."""

import os
import ssl
from pathlib import Path

from baselard.oci.errors import SettingsError
from baselard.oci.registry import home

_FOR_REGISTRIES = ("/etc/docker/certs.d", "/etc/containers/certs.d")


def context(registry: str = "", *, insecure: bool = False) -> ssl.SSLContext:
    """The system's authorities (``SSL_CERT_FILE`` replaces them, as OpenSSL has it), those of ``BASELARD_CA_FILE`` and,
    for a ``registry`` (host and port), those that docker and podman keep for it, with its client certificate
    (containers-certs.d(5): ``*.crt``, ``*.cert`` beside ``*.key``). ``insecure`` takes any server's certificate.

    Raises SettingsError for a broken file.
    """
    made = ssl.create_default_context()
    if os.environ.get("BASELARD_CA_FILE"):
        _add(made, Path(os.environ["BASELARD_CA_FILE"]))
    for place in _places(registry) if registry else ():
        for path in sorted(place.glob("*.crt")):
            _add(made, path)
        for path in sorted(place.glob("*.cert")):
            _show(made, path)
    if insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def _places(registry: str) -> list[Path]:
    own = home.of(os.environ) / ".config/containers/certs.d"
    return [Path(place, registry) for place in (*_FOR_REGISTRIES, own)]


def _add(made: ssl.SSLContext, path: Path) -> None:
    try:
        made.load_verify_locations(path)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(f"the certificates in {path} cannot be read: {error}") from error


def _show(made: ssl.SSLContext, path: Path) -> None:
    key = path.with_suffix(".key")
    if not key.exists():
        raise SettingsError(f"{path}: the key of this client certificate, {key.name}, is not beside it")
    try:
        made.load_cert_chain(path, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise SettingsError(f"the client certificate {path} cannot be used with {key.name}: {error}") from error
