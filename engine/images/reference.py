"""Image references as the engine takes them: like ``docker pull``, and wrong ones are the user's mistake."""

from dataclasses import replace

from distribution import reference
from distribution.errors import InvalidReferenceError
from distribution.reference import Reference
from engine.errors import UserError


def parse(text: str) -> Reference:
    """Read a reference; no tag and no digest means ``:latest``. Raises UserError that says which part is wrong."""
    try:
        found = reference.parse(text)
    except InvalidReferenceError as error:
        raise UserError(str(error)) from error
    return found if found.target else replace(found, tag="latest")
