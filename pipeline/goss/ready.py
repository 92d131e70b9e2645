"""Declarations of an image: its command, and when it is ready: its ports answer and its healthcheck passes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagger

from baselard.dockerfile.dagger.query import field, parts, select
from baselard.oci import durations

if TYPE_CHECKING:
    from dagger.client._core import Field

# Docker's default for a healthcheck without a timeout of its own.
_TIMEOUT_MS = 30_000
_PORT = parts("Port", "port", "protocol")
_HEALTHCHECK = parts("HealthcheckConfig", "args", "shell", "timeout")


@dataclass(frozen=True)
class Readiness:
    """The declarations of an image: TCP ports, and a healthcheck as a shell command with its timeout in milliseconds.

    `entrypoint` and `arguments` are what `docker run IMAGE` would start.
    """

    ports: tuple[int, ...] = ()
    healthcheck: str = ""
    timeout: int = _TIMEOUT_MS
    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    @property
    def declared(self) -> bool:
        """Whether there is anything that tells that it serves."""
        return bool(self.ports or self.healthcheck)

    def gossfile(self) -> str:
        """A gossfile that passes once it is ready; empty when nothing is declared."""
        import yaml  # the registration writes no file

        tests: dict[str, Any] = {}
        if self.ports:
            tests["addr"] = {f"tcp://localhost:{port}": {"reachable": True} for port in self.ports}
        if self.healthcheck:
            check = {"exec": self.healthcheck, "exit-status": 0, "timeout": self.timeout}
            tests["command"] = {"healthcheck": check}
        # A command may have braces of its own, and goss reads every gossfile as a template.
        return yaml.safe_dump(tests).replace("{{", '{{"{{"}}') if tests else ""


class _Evaluated(dagger.Container):
    """A container that is built, and what it declares."""

    readiness: Readiness

    @classmethod
    def _graphql_name(cls) -> str:
        return "Container"

    async def sync(self) -> _Evaluated:
        return self


async def evaluated(image: dagger.Container) -> dagger.Container:
    """The image, built, with what `of` tells of it, in one query. Raises dagger.QueryError, or its dagger.ExecError."""
    answer = await select(image, {"sync": field(image, "sync"), **_asked(image)})
    built = _Evaluated(image._ctx.select_id("Container", answer["sync"]))
    built.readiness = _read(answer)
    return built


async def of(image: dagger.Container) -> Readiness:
    """The declarations of this image, in one query, or in none if it came by `evaluated`."""
    return image.readiness if isinstance(image, _Evaluated) else _read(await select(image, _asked(image)))


def _asked(image: dagger.Container) -> dict[str, Field]:
    return {
        **{name: field(image, name) for name in ("entrypoint", "defaultArgs")},
        "exposedPorts": field(image, "exposedPorts", _PORT),
        "dockerHealthcheck": field(image, "dockerHealthcheck", _HEALTHCHECK),
    }


def _read(answer: Mapping[str, Any]) -> Readiness:
    ports = sorted(one["port"] for one in answer["exposedPorts"] if one["protocol"] == "TCP")
    started = tuple(answer["entrypoint"] or ()), tuple(answer["defaultArgs"] or ())
    return Readiness(tuple(ports), *_healthcheck(answer["dockerHealthcheck"]), *started)


def _healthcheck(check: Mapping[str, Any] | None) -> tuple[str, int]:
    """Its command, "" where there is none, and its timeout in milliseconds."""
    if check is None:
        return "", _TIMEOUT_MS
    timeout = durations.parse(check["timeout"]) // 1_000_000 if check["timeout"] else 0
    return shell_command(check["args"], shell=check["shell"]), timeout or _TIMEOUT_MS


def shell_command(args: Sequence[str], *, shell: bool) -> str:
    """A healthcheck as goss runs it, through the image's shell; in the API's form or in Docker's."""
    if shell or args[:1] == ["CMD-SHELL"]:
        return " ".join(args).removeprefix("CMD-SHELL ")
    rest = args[1:] if args[:1] in (["CMD"], ["NONE"]) else args
    return shlex.join(rest)
