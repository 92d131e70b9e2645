"""Images out of archives and out of this machine's Docker."""

from dataclasses import replace

from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import EMPTY, File
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.images import reference
from baselard.engine.ops.archive import Import
from baselard.engine.ops.docker_image import ARCHIVE, DockerImage, identify
from baselard.engine.solver.graph import Output
from baselard.oci.image_config import ImageConfig


@field("Container.import")
async def container_import(ctx: Context, container: Container, *, source: File, tag: str = "") -> Container:
    return await _imported(ctx, container, Import(source.output, source.path, container.platform, tag))


@field("Host.containerImage", missing="images of Docker only, not of containerd or podman")
async def host_container_image(ctx: Context, _host: object, *, name: str) -> Container:
    ctx.need_machine("Host.containerImage")
    reference.parse(name)
    saved = DockerImage(await ctx.in_thread(identify, name), name)
    container = Container(EMPTY, ImageConfig())
    return await _imported(ctx, container, Import(Output(saved), f"/{ARCHIVE}", container.platform))


async def _imported(ctx: Context, container: Container, node: Import) -> Container:
    result = await ctx.result(node)
    config = ImageConfig.from_json(result.data["config"])
    return replace(container, rootfs=Output(node), config=config, marks=(), last=None, image_ref="")
