"""What a refusal means for who pulls, whatever an image's own name reads like."""

import pytest

from baselard.engine.errors import RegistryError, RegistryUnreachedError, UserError
from baselard.engine.images import pull, reference
from baselard.oci import errors
from baselard.oci.errors import DistributionError, RefusedError

DIGEST = "sha256:" + "429" * 21 + "4"


@pytest.mark.parametrize(
    ("address", "error", "kind"),
    [
        ("host:42915/app:1", RefusedError("unauthorized: authentication required", 401), UserError),
        ("host:429/app:1", RefusedError("unauthorized: authentication required", 403), UserError),
        ("host/503/app:1", RefusedError("manifest unknown", 404), UserError),
        (f"host/app@{DIGEST}", RefusedError("manifest unknown", 404), UserError),
        ("host/denied:1", DistributionError("unsupported media type"), RegistryError),
        ("host/app:1", RefusedError("toomanyrequests: slow down", 429), RegistryError),
        ("host/app:1", RefusedError("503 Service Unavailable", 503), RegistryError),
        ("host/app:1", errors.UnreachedError("host cannot be reached: no such host"), RegistryUnreachedError),
    ],
)
def test_a_reason_is_told_from_the_name(address: str, error: DistributionError, kind: type[Exception]) -> None:
    wanted = reference.parse(address)
    told = pull.failure(wanted, error)
    assert type(told) is kind
    assert str(told).startswith(str(wanted))
    assert str(error) in str(told)
