"""A credential for a registry."""

import base64
from dataclasses import dataclass, field


def as_password(secret: str) -> str:
    """A secret as a password: without one final line end, as `docker login --password-stdin` reads it."""
    return secret.removesuffix("\n").removesuffix("\r")


@dataclass(frozen=True)
class Credential:
    """A user name and a password, or an identity token (an OAuth2 refresh token). Never shown."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
