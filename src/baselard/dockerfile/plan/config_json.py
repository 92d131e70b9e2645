"""An image's JSON config (OCI image spec, with docker's own keys) as this room's value, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baselard.dockerfile.plan.steps import Health, ImageConfig

HEALTH_KEYS = {
    "Interval": "interval",
    "Timeout": "timeout",
    "StartPeriod": "start_period",
    "StartInterval": "start_interval",
    "Retries": "retries",
}


def read_image(image: Mapping[str, Any]) -> ImageConfig:
    """The config of a whole image document; what is absent there has its empty value here."""
    config: Mapping[str, Any] = image.get("config") or {}
    health = config.get("Healthcheck")
    return ImageConfig(
        env=dict(entry.partition("=")[::2] for entry in config.get("Env") or ()),
        labels=dict(config.get("Labels") or {}),
        entrypoint=tuple(config.get("Entrypoint") or ()) or None,
        cmd=tuple(config.get("Cmd") or ()) or None,
        user=config.get("User") or "",
        workdir=config.get("WorkingDir") or "",
        ports=tuple(sorted(_with_protocol(port) for port in config.get("ExposedPorts") or ())),
        volumes=tuple(sorted(config.get("Volumes") or ())),
        shell=tuple(config.get("Shell") or ()),
        stop_signal=config.get("StopSignal") or "",
        on_build=tuple(config.get("OnBuild") or ()),
        healthcheck=_health(health) if health and health.get("Test") else None,
        author=image.get("author") or "",
    )


def write_image(config: ImageConfig) -> dict[str, Any]:
    """What `read_image` reads; only the keys that have a value."""
    health = config.healthcheck
    found: dict[str, Any] = {
        "Env": [f"{name}={value}" for name, value in config.env.items()],
        "Labels": dict(config.labels),
        "Entrypoint": config.entrypoint,
        "Cmd": config.cmd,
        "User": config.user,
        "WorkingDir": config.workdir,
        "ExposedPorts": {port: {} for port in config.ports},
        "Volumes": {path: {} for path in config.volumes},
        "Shell": config.shell,
        "StopSignal": config.stop_signal,
        "OnBuild": config.on_build,
        "Healthcheck": health and _health_keys(health),
    }
    document = {"author": config.author, "config": {key: value for key, value in found.items() if value}}
    return {key: value for key, value in document.items() if value}


def _with_protocol(port: str) -> str:
    return port if "/" in port else f"{port}/tcp"


def _health_keys(health: Health) -> dict[str, Any]:
    times = {key: getattr(health, name) for key, name in HEALTH_KEYS.items() if getattr(health, name)}
    return {"Test": health.test, **times}


def _health(health: Mapping[str, Any]) -> Health:
    return Health(tuple(health["Test"]), **{name: health.get(key) or 0 for key, name in HEALTH_KEYS.items()})
