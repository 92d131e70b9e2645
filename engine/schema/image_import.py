"""Container.import: an image out of an archive."""

from dataclasses import replace

from engine.graph import Output
from engine.image import ImageConfig
from engine.objects.container import Container
from engine.objects.directory import File
from engine.ops.archive import Import
from engine.schema.context import Context
from engine.schema.registry import field, not_served

not_served("Host.containerImage", "save the image to an archive (docker save) and use Container.import")


@field("Container.import")
async def container_import(ctx: Context, container: Container, *, source: File, tag: str = "") -> Container:
    node = Import(source.output, source.path, container.platform, tag)
    result = await ctx.result(node)
    config = ImageConfig.from_json(result.data["config"])
    return replace(container, rootfs=Output(node), config=config, last=None, image_ref="")
