"""Images out of archives and out of this machine's Docker."""

from dataclasses import replace

from engine.graph import Output
from engine.images import reference
from engine.images.image import ImageConfig
from engine.objects.container import Container
from engine.objects.directory import EMPTY, File
from engine.ops.archive import Import
from engine.ops.docker_image import ARCHIVE, DockerImage, identify
from engine.schema.context import Context
from engine.schema.registry import field


@field("Container.import")
async def container_import(ctx: Context, container: Container, *, source: File, tag: str = "") -> Container:
    return await _imported(ctx, container, Import(source.output, source.path, container.platform, tag))


@field("Host.containerImage", missing="images of Docker only, not of containerd or podman")
async def host_container_image(ctx: Context, _host: object, *, name: str) -> Container:
    reference.parse(name)
    saved = DockerImage(await ctx.in_thread(identify, name), name)
    container = Container(EMPTY, ImageConfig())
    return await _imported(ctx, container, Import(Output(saved), f"/{ARCHIVE}", container.platform))


async def _imported(ctx: Context, container: Container, node: Import) -> Container:
    result = await ctx.result(node)
    config = ImageConfig.from_json(result.data["config"])
    return replace(container, rootfs=Output(node), config=config, marks=(), last=None, image_ref="")
