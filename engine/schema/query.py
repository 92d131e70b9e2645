"""The root fields: starting points, and loading by ID."""

from dataclasses import replace
from typing import Any

from engine import platforms
from engine.graph import Output
from engine.image import ImageConfig
from engine.objects.container import Container
from engine.objects.directory import Directory
from engine.ops import source
from engine.ops.scratch import Scratch
from engine.schema.context import Context
from engine.schema.registry import field

VERSION = "v0.21.11"
"""The version of the API that is served; clients log it and compare it to their own."""


@field("Query.version")
def version(_ctx: Context) -> str:
    return VERSION


@field("Query.defaultPlatform")
def default_platform(_ctx: Context) -> str:
    return str(platforms.default())


@field("Query.node")
def node(ctx: Context, *, id: str) -> Any:
    return ctx.session.ids.load(id)


@field("Query.container")
def container(_ctx: Context, *, platform: str = "") -> Container:
    wanted = platforms.parse(platform) if platform else platforms.default()
    return Container(Output(Scratch()), ImageConfig(platform=wanted))


@field("Container.from", without=("registryService",))
async def container_from(ctx: Context, parent: Container, *, address: str) -> Container:
    config, rootfs = await source.resolve(ctx.session.worker, address, parent.platform)
    return replace(parent, rootfs=rootfs, config=config, last=None, image_ref=address)


@field("Query.directory")
def directory(_ctx: Context) -> Directory:
    return Directory(Output(Scratch()))
