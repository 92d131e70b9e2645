"""A secret on its way to those it signs in to: registries, git servers, web servers."""

from baselard.engine.errors import UserError
from baselard.oci.registry.credential import as_password


def password(plaintext: bytes) -> str:
    """The secret's text without its final line end. Raises UserError when it is no text."""
    try:
        return as_password(plaintext.decode())
    except UnicodeDecodeError as error:
        raise UserError("this secret is to sign in with, but it is not UTF-8 text") from error


def header(plaintext: bytes) -> str:
    """The same as the value of a header field (RFC 9110 section 5.5). Raises UserError when it has several lines."""
    value = password(plaintext).strip()
    if set(value) & set("\r\n\0"):
        raise UserError("this secret is to be sent in a header, but it has more than one line")
    return value
