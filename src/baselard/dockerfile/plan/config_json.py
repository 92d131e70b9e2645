"""An image's JSON config (OCI image spec, with docker's own keys) as this room's value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baselard.dockerfile.plan.steps import Health, ImageConfig

HEALTH_KEYS = ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")


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


def _with_protocol(port: str) -> str:
    return port if "/" in port else f"{port}/tcp"


def _health(health: Mapping[str, Any]) -> Health:
    return Health(tuple(health["Test"]), *(health.get(key) or 0 for key in HEALTH_KEYS))
