"""An image's configuration, as the OCI image specification defines it (config.md), in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from baselard.oci import platforms
from baselard.oci.errors import InvalidConfigError
from baselard.oci.platforms import Platform

Pairs = tuple[tuple[str, str], ...]

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of what starts from an image that sets none, as docker and Dagger have it."""

NO_HEALTHCHECK = ("NONE",)
"""The test of an image that switches off the healthcheck of its base."""


@dataclass(frozen=True)
class Healthcheck:
    """Docker's HEALTHCHECK. ``test`` starts with ``NONE``, ``CMD`` or ``CMD-SHELL``.

    Durations are in nanoseconds; 0 is the default.
    """

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Healthcheck:
        durations = {name: int(data.get(key) or 0) for name, key in _HEALTHCHECK_KEYS.items()}
        return cls(_strings(data, "Test"), **durations)

    def to_json(self) -> dict[str, Any]:
        numbers = {key: getattr(self, name) for name, key in _HEALTHCHECK_KEYS.items()}
        return {"Test": list(self.test), **{key: number for key, number in numbers.items() if number}}


_HEALTHCHECK_KEYS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start_period": "StartPeriod",
    "start_interval": "StartInterval",
    "retries": "Retries",
}


@dataclass(frozen=True)
class History:
    """How one layer (or, with ``empty_layer``, one change of the configuration) came about."""

    created_by: str = ""
    created: str = ""
    comment: str = ""
    author: str = ""
    empty_layer: bool = False

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> History:
        texts = {key: str(data.get(key) or "") for key in ("created_by", "created", "comment", "author")}
        return cls(**texts, empty_layer=bool(data.get("empty_layer")))

    def to_json(self) -> dict[str, Any]:
        fields = {key: getattr(self, key) for key in ("created", "created_by", "comment", "author", "empty_layer")}
        return {key: value for key, value in fields.items() if value}


@dataclass(frozen=True)
class ImageConfig:
    """The words that a container of this image starts with. Absent and empty are the same.

    ``env`` keeps its order; ``labels`` too. ``exposed_ports`` are written ``80/tcp``. ``created`` is RFC 3339 text.
    ``history`` and ``diff_ids`` (digests of the uncompressed layers, lowest first) describe the layers the image came
    with; layers that are packed later are appended then.
    """

    platform: Platform = field(default_factory=platforms.this_machine)
    env: Pairs = ()
    user: str = ""
    workdir: str = ""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    labels: Pairs = ()
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None
    onbuild: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    author: str = ""
    created: str = ""
    history: tuple[History, ...] = ()
    diff_ids: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Any) -> ImageConfig:
        """Read an OCI or Docker image configuration. Raises InvalidConfigError when it is none."""
        try:
            return _from_json(data)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise InvalidConfigError(f"the image's configuration is not one: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """The OCI image configuration, with its keys in a fixed order."""
        head = {"created": self.created, "author": self.author, **self.platform.to_json()}
        return {
            **{key: value for key, value in head.items() if value},
            "config": self.runtime_json(),
            "rootfs": {"type": "layers", "diff_ids": list(self.diff_ids)},
            "history": [entry.to_json() for entry in self.history],
        }

    def runtime_json(self) -> dict[str, Any]:
        """The ``config`` object alone: what a container is started with."""
        values: dict[str, Any] = {
            "User": self.user,
            "ExposedPorts": {port: {} for port in self.exposed_ports},
            "Env": [f"{name}={value}" for name, value in self.env],
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.cmd),
            "Volumes": {path: {} for path in self.volumes},
            "WorkingDir": self.workdir,
            "Labels": dict(self.labels),
            "StopSignal": self.stop_signal,
            "Healthcheck": self.healthcheck.to_json() if self.healthcheck else None,
            "OnBuild": list(self.onbuild),
            "Shell": list(self.shell),
        }
        return {key: value for key, value in values.items() if value}

    def env_value(self, name: str) -> str | None:
        """The value of one environment variable, None when it is not set."""
        return dict(self.env).get(name)

    def with_env(self, name: str, value: str) -> ImageConfig:
        """Set one variable: in its place if it is there, else at the end."""
        return replace(self, env=_put(self.env, name, value))

    def without_env(self, name: str) -> ImageConfig:
        return replace(self, env=_drop(self.env, name))

    def with_label(self, name: str, value: str) -> ImageConfig:
        return replace(self, labels=_put(self.labels, name, value))

    def without_label(self, name: str) -> ImageConfig:
        return replace(self, labels=_drop(self.labels, name))


def _from_json(data: Any) -> ImageConfig:
    config = data.get("config") or {}
    rootfs = data.get("rootfs") or {}
    health = config.get("Healthcheck")
    return ImageConfig(
        platform=platforms.normal(
            str(data.get("os") or "linux"), str(data["architecture"]), str(data.get("variant") or "")
        ),
        env=_env(_strings(config, "Env")),
        user=str(config.get("User") or ""),
        workdir=str(config.get("WorkingDir") or ""),
        entrypoint=_strings(config, "Entrypoint"),
        cmd=_strings(config, "Cmd"),
        labels=tuple((str(name), str(value)) for name, value in (config.get("Labels") or {}).items()),
        exposed_ports=tuple(config.get("ExposedPorts") or ()),
        volumes=tuple(config.get("Volumes") or ()),
        stop_signal=str(config.get("StopSignal") or ""),
        healthcheck=Healthcheck.from_json(health) if health else None,
        onbuild=_strings(config, "OnBuild"),
        shell=_strings(config, "Shell"),
        author=str(data.get("author") or ""),
        created=str(data.get("created") or ""),
        history=tuple(History.from_json(entry) for entry in data.get("history") or ()),
        diff_ids=_strings(rootfs, "diff_ids"),
    )


def _strings(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = data.get(key) or ()
    if isinstance(values, str):
        values = [values]  # early Docker wrote a single Entrypoint as a string
    if not isinstance(values, Sequence) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{key} must be a list of strings")
    return tuple(values)


def _env(lines: Sequence[str]) -> Pairs:
    pairs: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition("=")
        pairs[name] = value
    return tuple(pairs.items())


def _put(pairs: Pairs, name: str, value: str) -> Pairs:
    return tuple({**dict(pairs), name: value}.items())


def _drop(pairs: Pairs, name: str) -> Pairs:
    return tuple(pair for pair in pairs if pair[0] != name)
