"""Directory.dockerBuild. The Dockerfile room is loaded at its first use: few sessions need it, all would wait."""

from collections.abc import Mapping, Sequence

from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import Directory
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.values import Socket
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field


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
    no_init: bool = False,
    ssh: Socket | None = None,
) -> Container:
    arguments = {argument["name"]: argument["value"] for argument in build_args}
    from baselard.dockerfile.apply.driver import BuildRequest
    from baselard.engine.api import docker_building  # few sessions need the Dockerfile room

    request = BuildRequest(dockerfile, target, arguments, platform, docker_building.allowed())
    return await docker_building.build(ctx, directory, request, secrets, ssh, no_init=no_init)
