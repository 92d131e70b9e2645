"""Small values that fields of other objects give back."""

from dataclasses import dataclass

from baselard.engine.api.objects.serving import shows
from baselard.engine.errors import UserError
from baselard.oci import durations
from baselard.oci.digits import LARGEST_PORT, decimal
from baselard.oci.image_config import Healthcheck


@shows("name", "value")
@dataclass(frozen=True)
class EnvVariable:
    """One environment variable of a container, or one line of an env file."""

    name: str
    value: str


@shows("name", "value")
@dataclass(frozen=True)
class Label:
    """One label of an image."""

    name: str
    value: str


@shows("port", "protocol", "description", "experimentalSkipHealthcheck")
@dataclass(frozen=True)
class Port:
    """A port a container exposes; those an image exposes have no description (None)."""

    port: int
    protocol: str = "TCP"
    description: str | None = None
    experimental_skip_healthcheck: bool = False

    @property
    def spec(self) -> str:
        """As an image's configuration writes it: ``80/tcp``."""
        return f"{self.port}/{self.protocol.lower()}"

    @classmethod
    def of(cls, spec: str) -> "Port":
        """The port that an image's configuration writes as ``80/tcp`` or ``80``. Raises UserError for anything else."""
        number, _, protocol = spec.partition("/")
        port = decimal(number, LARGEST_PORT)
        if port is None:
            raise UserError(f"the image's configuration exposes {spec!r}, which is not a port")
        return cls(port, protocol.upper() or "TCP")


@dataclass(frozen=True)
class Host:
    """The machine of the session's client."""


@shows("args", "shell", "interval", "timeout", "startPeriod", "startInterval", "retries")
@dataclass(frozen=True)
class HealthcheckConfig:
    """Docker's HEALTHCHECK as the API shows it; durations as Go prints them."""

    args: tuple[str, ...]
    shell: bool
    interval: str
    timeout: str
    start_period: str
    start_interval: str
    retries: int

    @classmethod
    def of(cls, check: Healthcheck) -> "HealthcheckConfig":
        """The content of the image's configuration."""
        return cls(
            args=check.test[1:],
            shell=check.test[:1] == ("CMD-SHELL",),
            interval=durations.show(check.interval),
            timeout=durations.show(check.timeout),
            start_period=durations.show(check.start_period),
            start_interval=durations.show(check.start_interval),
            retries=check.retries,
        )


@dataclass(frozen=True)
class Socket:
    """A Unix socket of the client's machine."""

    path: str


@shows("value")
@dataclass(frozen=True)
class Address:
    """Where something is, in one of the forms of its kind: an image reference, a path, a URL, a secret's URI."""

    value: str
