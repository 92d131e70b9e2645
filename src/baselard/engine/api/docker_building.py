"""The Dockerfile room at work on this engine."""

import os
from collections.abc import Sequence
from dataclasses import replace

from baselard.dockerfile.apply.driver import BuildRequest, build_with
from baselard.dockerfile.apply.state import Contexts
from baselard.dockerfile.plan import entitlements
from baselard.dockerfile.syntax.errors import DockerfileError, Warning_
from baselard.engine.api.docker_builder import EngineBuilder, UnresolvedError
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import Directory
from baselard.engine.api.objects.mounts import with_mount
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.values import Socket
from baselard.engine.api.query.context import Context
from baselard.engine.errors import UserError
from baselard.engine.run.containers.command import SecretMount
from baselard.engine.solver import digest


def allowed() -> frozenset[str]:
    """The entitlements of BASELARD_ALLOW. Raises UserError for one there is not."""
    try:
        return entitlements.read([os.environ.get("BASELARD_ALLOW", "")])
    except ValueError as error:
        raise UserError(f"BASELARD_ALLOW: {error}") from error


async def build(
    ctx: Context,
    context: Directory,
    request: BuildRequest,
    secrets: Sequence[Secret],
    ssh: Socket | None,
    *,
    no_init: bool = False,
) -> Container:
    """The container of a Dockerfile. Raises UserError for what cannot be built, with its line."""
    builder = EngineBuilder(ctx, _named(secrets), ssh, no_init)
    built = await _built(builder, context, request)
    for name, secret in builder.secrets.items():  # a real engine leaves them mounted
        built = with_mount(built, SecretMount(f"/run/secrets/{name}", secret.ref))
    return replace(built, image_ref="")


async def _built(builder: EngineBuilder, context: Directory, request: BuildRequest) -> Container:
    """Plan and apply, again each time an image turns up that has to be resolved first: nothing ran until then."""

    def warn(warning: Warning_) -> None:
        progress = builder.ctx.session.worker.progress
        progress.output(digest.of("dockerfile.v1", request.dockerfile), 2, f"WARNING: {warning}\n".encode())

    while True:
        try:
            return await build_with(builder, Contexts(context), request, warn)
        except UnresolvedError as missing:
            await builder.resolve(missing)
        except DockerfileError as error:
            raise UserError(str(error)) from error


def _named(secrets: Sequence[Secret]) -> dict[str, Secret]:
    """Secrets by the name that a Dockerfile knows them by. Raises UserError for one that has none."""
    for secret in secrets:
        if not secret.name:
            raise UserError(f"the secret {secret.uri} has no name for the Dockerfile; give it one with setSecret")
    return {secret.name: secret for secret in secrets}
