"""When an image that serves is ready: its declared ports answer and its healthcheck passes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagger
import yaml

# Docker's default for a healthcheck without a timeout of its own.
_TIMEOUT_MS = 30_000


@dataclass(frozen=True)
class Readiness:
    """What an image declares: TCP ports, and a healthcheck as a shell command with its timeout in milliseconds."""

    ports: tuple[int, ...] = ()
    healthcheck: str = ""
    timeout: int = _TIMEOUT_MS

    @property
    def declared(self) -> bool:
        """Whether there is anything that tells that it serves."""
        return bool(self.ports or self.healthcheck)

    def gossfile(self) -> str:
        """A gossfile that passes once it is ready; empty when nothing is declared."""
        tests: dict[str, Any] = {}
        if self.ports:
            tests["addr"] = {f"tcp://localhost:{port}": {"reachable": True} for port in self.ports}
        if self.healthcheck:
            check = {"exec": self.healthcheck, "exit-status": 0, "timeout": self.timeout}
            tests["command"] = {"healthcheck": check}
        return yaml.safe_dump(tests) if tests else ""


async def of(image: dagger.Container) -> Readiness:
    """What this image declares."""
    exposed = await image.exposed_ports()
    ports = [await one.port() for one in exposed if await one.protocol() == dagger.NetworkProtocol.TCP]
    return Readiness(tuple(sorted(ports)), await _healthcheck(image))


async def _healthcheck(image: dagger.Container) -> str:
    check = image.docker_healthcheck()
    try:
        args = await check.args()
    except dagger.InvalidQueryError:
        # The SDK's way to say that the image has none: the API's answer is null.
        return ""
    return shell_command(args, shell=bool(await check.shell()))


def shell_command(args: Sequence[str], *, shell: bool) -> str:
    """A healthcheck as goss runs it, through the image's shell; in the API's form or in Docker's."""
    if shell or args[:1] == ["CMD-SHELL"]:
        return " ".join(args).removeprefix("CMD-SHELL ")
    rest = args[1:] if args[:1] in (["CMD"], ["NONE"]) else args
    return shlex.join(rest)
