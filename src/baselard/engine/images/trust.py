"""Which certificate authorities the engine's own connections trust: this machine's, not a list bundled with Python."""

import os
import ssl
from pathlib import Path

from baselard.engine.errors import UserError

_FOR_REGISTRIES = ("/etc/docker/certs.d", "/etc/containers/certs.d")


def context(registry: str = "") -> ssl.SSLContext:
    """The system's authorities (``SSL_CERT_FILE`` replaces them, as OpenSSL has it), those of ``BASELARD_CA_FILE`` and,
    for a ``registry`` (host and port), those that docker and skopeo keep for it. Raises UserError for a broken file."""
    made = ssl.create_default_context()
    files = [Path(os.environ["BASELARD_CA_FILE"])] if os.environ.get("BASELARD_CA_FILE") else []
    if registry:
        files += [path for place in _FOR_REGISTRIES for path in sorted(Path(place, registry).glob("*.crt"))]
    for path in files:
        try:
            made.load_verify_locations(path)
        except OSError as error:  # ssl.SSLError is one
            raise UserError(f"the certificates in {path} cannot be read: {error}") from error
    return made
