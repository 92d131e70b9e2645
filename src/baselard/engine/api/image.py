"""Container: images that come from outside and go there."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import EMPTY, File
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.serving import served_as
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.api.registry_service import way_to as registry_service_way
from baselard.engine.errors import UnsupportedError, UserError
from baselard.engine.files import exporting
from baselard.engine.host import platforms
from baselard.engine.images import archive_write, publish, reference, writing
from baselard.engine.images.writing import Format, Variant
from baselard.engine.ops import credentials, docker_image, source
from baselard.engine.ops.tarball import NAME, LazyVariant, Tarball
from baselard.engine.progress import steps
from baselard.engine.run.services.service import Service
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output
from baselard.oci.image_config import ImageConfig
from baselard.oci.reference import Reference, is_host

Containers = tuple[Container, ...]

_COMPRESSION = {"": "", "Gzip": "gzip", "Zstd": "zstd", "Uncompressed": "none"}


@served_as("Query.container")
def container(*, platform: str = "") -> Container:
    wanted = platforms.wanted(platform)
    return Container(EMPTY, ImageConfig(platform=wanted))


@field("Container.from")
async def container_from(
    ctx: Context, parent: Container, *, address: str, registry_service: Service | None = None
) -> Container:
    async with registry_service_way(ctx, reference.parse(address), registry_service) as way:
        image = await source.find(ctx.session.worker, str(way.reference), parent.platform)
        if registry_service:
            await ctx.value(image.rootfs)  # while the service is up
    image_ref = way.shown(image.reference)
    return replace(parent, rootfs=image.rootfs, config=image.config, marks=(), last=None, image_ref=image_ref)


@served_as("Container.imageRef")
def image_ref(container: Container) -> str:
    if not container.image_ref:
        raise UserError(
            "Image reference can only be retrieved immediately after the 'Container.From' call. "
            "Error in fetching imageRef as the container image is changed"
        )
    return container.image_ref


@field("Container.publish")
async def publish_image(
    ctx: Context,
    container: Container,
    *,
    address: str,
    platform_variants: Containers = (),
    forced_compression: str = "",
    media_types: str = "OCIMediaTypes",
    registry_service: Service | None = None,
) -> str:
    form = _format(forced_compression, media_types)
    variants = await _variants(ctx, container, platform_variants)

    def push(worker: Worker, target: Reference) -> str:
        key = digest.of("publish.v1", str(target), id(variants))
        with steps.step(worker.progress, key, f"publish {target}") as say:
            published, _ = publish.publish(worker.store, worker.registry, target, variants, form=form, say=say)
        return str(published)

    async with registry_service_way(ctx, reference.parse(address), registry_service) as way:
        return way.shown(await ctx.in_thread(push, ctx.session.worker, way.reference))


@served_as("Container.asTarball")
def as_tarball(
    container: Container,
    *,
    platform_variants: Containers = (),
    forced_compression: str = "",
    media_types: str = "OCIMediaTypes",
) -> File:
    chosen = [one for one in (container, *platform_variants) if one.rootfs != EMPTY]
    writing.check_variants([one.config for one in chosen])
    parts = tuple(LazyVariant(one.rootfs, one.config, one.annotations, one.marks) for one in chosen)
    return File(Output(Tarball(parts, _format(forced_compression, media_types))), f"/{NAME}")


@field("Container.export")
async def export(
    ctx: Context,
    container: Container,
    *,
    path: str,
    platform_variants: Containers = (),
    forced_compression: str = "",
    media_types: str = "OCIMediaTypes",
    expand: bool = False,
) -> str:
    target = Path(ctx.host_path(container.expand(path, wanted=expand)))
    form = _format(forced_compression, media_types)
    variants = await _variants(ctx, container, platform_variants)

    def write(worker: Worker) -> None:
        with exporting.new_file(target) as new:
            archive_write.write(worker.store, writing.write(worker.store, variants, form), new)

    await ctx.in_thread(write, ctx.session.worker)
    return str(target)


@field("Container.exportImage", missing="only into docker, which must be installed")
async def export_image(
    ctx: Context,
    container: Container,
    *,
    name: str,
    platform_variants: Containers = (),
    forced_compression: str = "",
    media_types: str = "OCIMediaTypes",
) -> None:
    ctx.need_machine("Container.exportImage")
    wanted = reference.parse(name)
    if wanted.digest:
        raise UserError(f"image name {name!r} must have no digest: the image gets its own")
    form = _format(forced_compression or "Uncompressed", media_types)
    docker_image.need("export or publish")
    variants = await _variants(ctx, container, platform_variants)

    def load(worker: Worker) -> None:
        whole = writing.write(worker.store, variants, form)
        with worker.store.temp_dir() as directory:
            archive_write.write(worker.store, whole, directory / NAME, names=(str(wanted),))
            docker_image.load(directory / NAME)

    await ctx.in_thread(load, ctx.session.worker)


@field("Container.withRegistryAuth")
async def with_registry_auth(
    ctx: Context, container: Container, *, address: str, username: str, secret: Secret
) -> Container:
    password = await ctx.in_thread(ctx.session.secrets.plaintext, secret.ref.handle)
    ctx.session.worker.registry.credentials[_registry(address)] = (username, credentials.password(password))
    return container


@field("Container.withoutRegistryAuth")
def without_registry_auth(ctx: Context, container: Container, *, address: str) -> Container:
    ctx.session.worker.registry.credentials.pop(_registry(address), None)
    return container


def _registry(address: str) -> str:
    """The registry an address means: a bare host, a URL, or any image reference."""
    plain = address.removeprefix("https://").removeprefix("http://").rstrip("/")
    if not plain:
        raise UserError("the registry's address is empty")
    host = plain.partition("/")[0]
    if host == plain and is_host(host):
        return "docker.io" if host == "index.docker.io" else host
    return reference.parse(plain.replace("index.docker.io/v1", "docker.io/library/any")).registry


def _format(compression: str, media_types: str) -> Format:
    if compression == "EStarGZ":
        raise UnsupportedError("the compression EStarGZ", "every reader of it takes Gzip, and Zstd is smaller")
    docker = media_types == "DockerMediaTypes"
    return Format(_COMPRESSION[compression], docker=docker, epoch=writing.source_date_epoch())


async def _variants(ctx: Context, container: Container, others: Sequence[Container]) -> list[Variant]:
    """The containers that have a root file system, evaluated. Raises UserError for none, or one platform twice."""
    chosen = [one for one in (container, *others) if one.rootfs != EMPTY]
    writing.check_variants([one.config for one in chosen])
    parts = [LazyVariant(one.rootfs, one.config, one.annotations, one.marks) for one in chosen]
    values = [await asyncio.gather(*map(ctx.value, part.outputs)) for part in parts]
    return [part.variant(found) for part, found in zip(parts, values, strict=True)]
