"""Between the Dockerfile room's image configuration and the engine's: the same keys, other shapes."""

from dataclasses import replace

from baselard.dockerfile.plan.steps import Health
from baselard.dockerfile.plan.steps import ImageConfig as Steps
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.values import Port
from baselard.engine.images.image import Healthcheck, History, ImageConfig


def read(config: ImageConfig) -> Steps:
    """What a Dockerfile that starts from this image sees of it."""
    health = config.healthcheck
    return Steps(
        env=dict(config.env),
        labels=dict(config.labels),
        entrypoint=config.entrypoint or None,
        cmd=config.cmd or None,
        user=config.user,
        workdir=config.workdir,
        ports=config.exposed_ports,
        volumes=config.volumes,
        shell=config.shell,
        stop_signal=config.stop_signal,
        on_build=config.onbuild,
        healthcheck=Health(**vars(health)) if health else None,
        author=config.author,
    )


def write(config: ImageConfig, steps: Steps) -> ImageConfig:
    """The configuration after instructions changed it. History is left alone."""
    return replace(
        config,
        env=tuple(steps.env.items()),
        labels=tuple(steps.labels.items()),
        entrypoint=steps.entrypoint or (),
        cmd=steps.cmd or (),
        user=steps.user,
        workdir=steps.workdir,
        exposed_ports=tuple(steps.ports),
        volumes=steps.volumes,
        shell=steps.shell,
        stop_signal=steps.stop_signal,
        onbuild=steps.on_build,
        healthcheck=Healthcheck(**vars(steps.healthcheck)) if steps.healthcheck else None,
        author=steps.author,
    )


def configured(container: Container, steps: Steps) -> Container:
    """The container with this configuration."""
    return container.configured(lambda config: write(config, steps))


def finished(container: Container, steps: Steps) -> Container:
    """The container as the build's result: with the history of its instructions, and what Dagger adds of its own.

    EXPOSE fills the ports of services, and CMD counts as default arguments that were set explicitly.
    """
    made = configured(container, steps)
    history = tuple(History(created_by=entry.created_by, empty_layer=entry.empty_layer) for entry in steps.history)
    config = replace(made.config, history=(*made.config.history, *history))
    ports = tuple(Port.of(spec) for spec in config.exposed_ports)
    return replace(made, config=config, ports=ports, explicit_default_args=bool(steps.cmd))
