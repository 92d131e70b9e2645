"""Durations as the API's arguments give them: a wrong one is the user's mistake."""

from baselard.engine.errors import UserError
from baselard.oci import durations
from baselard.oci.errors import InvalidDurationError


def parse(text: str) -> int:
    """Nanoseconds of ``1h2m3.5s``. Raises UserError for anything else."""
    try:
        return durations.parse(text)
    except InvalidDurationError as error:
        raise UserError(f"{text!r} is not a duration; write it like 30s, 1m30s or 500ms") from error
