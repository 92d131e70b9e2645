"""Rights that a RUN has only where they were allowed, by docker's names (``docker buildx build --allow``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from baselard.dockerfile.syntax.errors import DockerfileError, Place

HOST_NETWORK = "network.host"
INSECURE = "security.insecure"
_MEANS = {
    HOST_NETWORK: "reaches what listens on this machine alone",
    INSECURE: "is root on this machine",
}


def read(words: Iterable[str]) -> frozenset[str]:
    """The entitlements that these words name, commas between them. Raises ValueError for one there is not."""
    found = frozenset(name.strip() for word in words for name in word.split(",")) - {""}
    if unknown := sorted(found - set(_MEANS)):
        raise ValueError(f"there is no entitlement {unknown[0]}; there is {' and '.join(_MEANS)}")
    return found


def check(network: str, security: str, allowed: Collection[str], place: Place) -> None:
    """Raise DockerfileError when a RUN's ``--network`` or ``--security`` asks for what is not allowed."""
    asked = {f"--network={network}": HOST_NETWORK, f"--security={security}": INSECURE}
    for flag, name in asked.items():
        if flag in ("--network=host", "--security=insecure") and name not in allowed:
            raise DockerfileError(
                f"{name} is not allowed: a command with {flag} {_MEANS[name]}; if the file is to be trusted, say "
                f"--allow {name} before the function, or set BASELARD_ALLOW={name} for dockerBuild",
                place,
            )
