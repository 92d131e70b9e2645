"""Image references as the engine takes them: like ``docker pull``, and wrong ones are the user's mistake."""

from dataclasses import replace

from baselard.engine.errors import UserError
from baselard.oci import reference
from baselard.oci.errors import InvalidReferenceError
from baselard.oci.reference import Reference


def parse(text: str) -> Reference:
    """Read a reference; no tag and no digest means ``:latest``. Raises UserError that says which part is wrong."""
    try:
        parsed = reference.parse(text)
    except InvalidReferenceError as error:
        raise UserError(str(error)) from error
    return parsed if parsed.target else replace(parsed, tag="latest")
