"""``baselard outdated``: what this repository takes from elsewhere, beside the newest there is."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from baselard.engine.errors import UserError
from baselard.engine.images import credentials
from pipeline import errors, here

if TYPE_CHECKING:  # httpx
    from pipeline.here import Sources


def run(*, as_json: bool) -> int:
    """Print the pins of the current directory; 1 when some could not be asked about. Raises UserError."""
    try:
        text, whole = here.outdated(Path.cwd(), asked(), as_json=as_json)
    except errors.UsageError as error:
        raise UserError(str(error)) from error
    sys.stdout.write(text)
    return 0 if whole else 1


def asked() -> "Sources":
    """Registries as docker and podman are signed in there, GitHub by the token of the environment."""
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN") or ""
    return here.asked(
        lambda reference: credentials.find(reference.name, {}), token.strip(), os.environ.get("GITHUB_API_URL", "")
    )
