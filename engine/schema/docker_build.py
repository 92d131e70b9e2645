"""Directory.dockerBuild. The Dockerfile room is loaded at its first use: few sessions need it, all would wait."""

# ruff: noqa: PLR0913 -- resolvers take the arguments that the API has

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from engine.objects.container import Container
from engine.objects.directory import Directory
from engine.objects.secrets import Secret
from engine.objects.values import Socket
from engine.schema.context import Context
from engine.schema.registry import field


@field("Directory.dockerBuild")
async def docker_build(
    ctx: Context,
    directory: Directory,
    *,
    dockerfile: str = "Dockerfile",
    platform: str = "",
    build_args: Sequence[Mapping[str, str]] = (),
    target: str = "",
    secrets: tuple[Secret, ...] = (),
    no_init: bool = False,  # noqa: ARG001 -- BuildKit's RUN has no init, with or without it
    ssh: Socket | None = None,
) -> Container:
    arguments = {argument["name"]: argument["value"] for argument in build_args}
    building: Any = importlib.import_module("engine.schema.docker_building")
    request = building.Request(dockerfile, target, arguments, platform)
    built: Container = await building.build(ctx, directory, request, secrets, ssh)
    return built
