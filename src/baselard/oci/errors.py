"""Texts that mean nothing, and what can go wrong between us and a registry.

Each room that uses this one says it in errors of its own.
"""


class DistributionError(Exception):
    """The registry's answer makes no sense, or is not what was asked for."""


class InvalidConfigError(ValueError):
    """A document that is no image's configuration."""


class InvalidDigestError(ValueError):
    """A text that is not a digest."""


class InvalidDurationError(ValueError):
    """A text that is no duration; the message is Go's."""


class InvalidPlatformError(ValueError):
    """A text that is no platform; the message is containerd's."""


class InvalidReferenceError(ValueError):
    """A text that is no reference; the message says which part is wrong."""


class RefusedError(DistributionError):
    """The registry said no. ``status`` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UnreachedError(DistributionError):
    """Nobody answered, or not to the end, as often as it was tried."""


class SettingsError(ValueError):
    """A file of this machine's that tells how registries are reached is broken or forbids it; the message names it."""


class UntrustedError(DistributionError):
    """The server's certificate, or what it speaks instead of TLS, is not to be trusted."""
