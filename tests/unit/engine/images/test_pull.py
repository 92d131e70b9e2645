"""What skopeo's last words mean, whatever an image's own name reads like."""

import pytest

from baselard.engine.errors import EngineError, UserError
from baselard.engine.images import pull, reference
from baselard.engine.images.pull import UnreachedError

DIGEST = "sha256:" + "429" * 21 + "4"


@pytest.mark.parametrize(
    ("address", "reason", "kind"),
    [
        ("host:42915/app:1", "unauthorized: authentication required", UserError),
        ("host:429/app:1", "unauthorized: authentication required", UserError),
        ("host/503/app:1", "manifest unknown", UserError),
        (f"host/app@{DIGEST}", "manifest unknown", UserError),
        ("host/denied:1", "unsupported media type", EngineError),
        ("host/app:1", "toomanyrequests: slow down", pull._Again),
        ("host/app:1", "received unexpected HTTP status: 503 Service Unavailable", pull._Again),
        ("host/app:1", 'Get "https://host/v2/": dial tcp: lookup host: no such host', UnreachedError),
    ],
)
def test_a_reason_is_told_from_the_name(address: str, reason: str, kind: type[Exception]) -> None:
    wanted = reference.parse(address)
    error = pull.failure(wanted, f"reading manifest in {wanted.name}: {reason} ({wanted})".encode())
    assert type(error) is kind
