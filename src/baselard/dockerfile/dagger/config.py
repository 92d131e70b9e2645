"""Image configs by way of the Dagger API: reading one whole, and the calls from one config to another.

The API has fields for neither VOLUME, STOPSIGNAL, SHELL, ONBUILD nor the author. They can be read, since an exported
image has them; `hidden` says which of them a config has.
"""

from __future__ import annotations

from dataclasses import fields, replace

import dagger

from baselard.dockerfile.dagger.archive import read_archive
from baselard.oci.image_config import NO_HEALTHCHECK, Healthcheck, ImageConfig, Pairs

HIDDEN = ("volumes", "stop_signal", "shell", "onbuild", "author")
PROTOCOLS = ("tcp", "udp")


async def read_config(bare: dagger.Directory, container: dagger.Container) -> ImageConfig:
    """A container's whole config, in one query: exported as an image of `bare`, one empty file, which costs nothing.

    Raises dagger.QueryError when what leads to the container fails.
    """
    document, _ = await read_archive(container.with_rootfs(bare))
    return as_lowered(ImageConfig.from_json(document))


def as_lowered(config: ImageConfig) -> ImageConfig:
    """The same with sorted volumes and ports, all with their protocol, and without a healthcheck that tests nothing."""
    ports = (port if "/" in port else f"{port}/tcp" for port in config.exposed_ports)
    health = config.healthcheck if config.healthcheck and config.healthcheck.test else None
    return replace(
        config, exposed_ports=tuple(sorted(ports)), volumes=tuple(sorted(config.volumes)), healthcheck=health
    )


def configure(container: dagger.Container, before: ImageConfig, after: ImageConfig) -> dagger.Container:
    """The container with what differs between the two configs changed."""
    container = _configure_env(container, before.env, after.env)
    container = _configure_labels(container, before.labels, after.labels)
    if after.user != before.user:
        container = container.with_user(after.user) if after.user else container.without_user()
    if after.workdir != before.workdir:
        container = container.with_workdir(after.workdir) if after.workdir else container.without_workdir()
    container = _configure_ports(container, before.exposed_ports, after.exposed_ports)
    return _configure_health(_configure_command(container, before, after), before.healthcheck, after.healthcheck)


def _configure_env(container: dagger.Container, before: Pairs, after: Pairs) -> dagger.Container:
    for name in dict(before).keys() - dict(after).keys():
        container = container.without_env_variable(name)
    for name, value in after:
        if (name, value) not in before:
            container = container.with_env_variable(name, value)
    return container


def _configure_labels(container: dagger.Container, before: Pairs, after: Pairs) -> dagger.Container:
    for name in dict(before).keys() - dict(after).keys():
        container = container.without_label(name)
    for name, value in after:
        if (name, value) not in before:
            container = container.with_label(name, value)
    return container


def _configure_command(container: dagger.Container, before: ImageConfig, after: ImageConfig) -> dagger.Container:
    if after.entrypoint != before.entrypoint:
        if after.entrypoint:
            container = container.with_entrypoint(list(after.entrypoint), keep_default_args=True)
        else:
            container = container.without_entrypoint(keep_default_args=True)
    if after.cmd != before.cmd:
        if not after.cmd:
            return container.without_default_args()
        return container.with_default_args(list(after.cmd))
    return container


def _configure_ports(container: dagger.Container, before: tuple[str, ...], after: tuple[str, ...]) -> dagger.Container:
    for port in (*before, *after):
        number, _, protocol = port.partition("/")
        if protocol not in PROTOCOLS:
            continue
        kind = dagger.NetworkProtocol[protocol.upper()]
        if port not in after:
            container = container.without_exposed_port(int(number), protocol=kind)
        elif port not in before:
            container = container.with_exposed_port(int(number), protocol=kind)
    return container


def _configure_health(
    container: dagger.Container, before: Healthcheck | None, after: Healthcheck | None
) -> dagger.Container:
    if after == before:
        return container
    if after is None or after.test == NO_HEALTHCHECK:
        return container.without_docker_healthcheck()
    times = {
        name: f"{value}ns"
        for name in ("interval", "timeout", "start_period", "start_interval")
        if (value := getattr(after, name))
    }
    return container.with_docker_healthcheck(
        list(after.test[1:]),
        shell=after.test[0] == "CMD-SHELL",
        retries=after.retries or None,
        **times,
    )


def hidden(config: ImageConfig) -> ImageConfig:
    """Only what the API has no call for: the hidden keys, ports of other protocols, and `HEALTHCHECK NONE`."""
    kept = {field.name: getattr(config, field.name) for field in fields(config) if field.name in HIDDEN}
    ports = tuple(port for port in config.exposed_ports if port.partition("/")[2] not in PROTOCOLS)
    health = config.healthcheck if config.healthcheck and config.healthcheck.test == NO_HEALTHCHECK else None
    return ImageConfig(**kept, exposed_ports=ports, healthcheck=health)
