"""An image configuration that a Dockerfile's instructions changed, on the engine's container."""

from dataclasses import replace

from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.values import Port
from baselard.oci.image_config import ImageConfig


def configured(container: Container, config: ImageConfig) -> Container:
    """The container with this configuration; the history of its layers is left alone."""
    return container.configured(
        lambda own: replace(
            config, platform=own.platform, created=own.created, history=own.history, diff_ids=own.diff_ids
        )
    )


def finished(container: Container, config: ImageConfig) -> Container:
    """The container as the build's result: with the history of its instructions, and what Dagger adds of its own.

    EXPOSE fills the ports of services, and CMD counts as default arguments that were set explicitly.
    """
    made = configured(container, config)
    ports = tuple(Port.of(spec) for spec in config.exposed_ports)
    return replace(
        made, config=replace(made.config, history=config.history), ports=ports, explicit_default_args=bool(config.cmd)
    )
