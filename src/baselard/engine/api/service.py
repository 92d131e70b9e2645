"""Services: made of containers and of ports of the host, started, stopped, bound and led to this machine."""

import asyncio
from dataclasses import replace
from typing import Any, NotRequired, TypedDict, cast

from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.execution import ExecOptions
from baselard.engine.api.objects.execution import as_service as made_service
from baselard.engine.api.objects.serving import served_as
from baselard.engine.api.objects.values import Host, Port, Socket
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.host.process import STDERR
from baselard.engine.run.containers.command import Binding
from baselard.engine.run.services import session_services
from baselard.engine.run.services.service import Forward, HostService, Service, TunnelService, with_hostname
from baselard.engine.run.services.session_services import SessionServices
from baselard.engine.solver.graph import Value

Strings = tuple[str, ...]


class PortForward(TypedDict):
    """The API's input of this name."""

    backend: int
    frontend: NotRequired[int | None]
    protocol: NotRequired[str | None]


Ports = tuple[PortForward, ...]


@field("Container.asService")
async def as_service(
    ctx: Context,
    container: Container,
    *,
    args: Strings = (),
    use_entrypoint: bool = False,
    experimental_privileged_nesting: bool = False,
    insecure_root_capabilities: bool = False,
    expand: bool = False,
    no_init: bool = False,
) -> Service:
    await ctx.value(container.rootfs)
    options = ExecOptions(
        use_entrypoint=use_entrypoint,
        nesting=experimental_privileged_nesting,
        insecure=insecure_root_capabilities,
        expand=expand,
        no_init=no_init,
    )
    return made_service(container, args, options)


@served_as("Container.withServiceBinding")
def with_service_binding(container: Container, alias: str, service: Service) -> Container:
    session_services.check_alias(container.bindings, alias)
    return replace(container, bindings=(*container.bindings, Binding(alias, service)))


@field("Container.up")
async def container_up(
    ctx: Context, container: Container, *, random: bool = False, ports: Ports = (), **arguments: Any
) -> None:
    await up(ctx, await as_service(ctx, container, **arguments), ports=ports, random=random)


@field("Service.hostname")
def hostname(ctx: Context, service: Service) -> str:
    if isinstance(service, TunnelService):
        _services(ctx).running(service)
    return service.hostname


@field("Service.ports")
def ports(ctx: Context, service: Service) -> list[Port]:
    try:
        known = _services(ctx).ports(service)
    except UserError as error:
        raise UserError(f"failed to get service ports: {error}") from None
    return [Port(port.port, port.protocol, port.description, not port.checked) for port in known]


@field("Service.endpoint")
def endpoint(ctx: Context, service: Service, *, port: int | None = None, scheme: str = "") -> str:
    if port is not None and not 0 < port < 1 << 16:
        raise UserError(f"endpoint: port {port} is not between 1 and 65535")
    known = service.ports if isinstance(service, HostService) else _services(ctx).ports(service)
    chosen = port or next((one.port for one in known if one.port), None)
    if chosen is None:
        raise UserError("no ports exposed; use withExposedPort before asService, or start the tunnel first")
    return (f"{scheme}://" if scheme else "") + f"{service.hostname}:{chosen}"


@served_as("Service.withHostname")
def service_with_hostname(service: Service, hostname: str) -> Service:
    return with_hostname(service, hostname)


@field("Service.start")
async def start(ctx: Context, service: Service) -> str:
    await _start(ctx, service)
    return ctx.id(service)


@field("Service.stop")
async def stop(ctx: Context, service: Service, *, kill: bool = False) -> str:
    await ctx.in_thread(lambda: _services(ctx).stop(service, kill=kill))
    return ctx.id(service)


@field("Service.sync")
async def sync(ctx: Context, service: Service) -> str:
    await service_values(ctx, service)
    return ctx.id(service)


@field("Service.up")
async def up(ctx: Context, service: Service, *, ports: Ports = (), random: bool = False) -> None:
    """Lead ports of this machine to the service until the client goes away."""
    ctx.need_machine("Service.up")
    tunnel = TunnelService(service, _forwards(ports, default=0), native=not ports and not random)
    progress = ctx.session.worker.progress
    progress.started(tunnel.key, tunnel.label)
    try:
        await _start(ctx, tunnel)
        for one, way in zip(_services(ctx).ports(tunnel), tunnel.all_forwards, strict=True):
            told = f"localhost:{one.port} ({one.protocol}) leads to {service.hostname}:{way.backend}\n"
            progress.output(tunnel.key, STDERR, told.encode())
        await asyncio.Event().wait()
    finally:
        await ctx.in_thread(lambda: _services(ctx).stop(tunnel))
        progress.finished(tunnel.key, cached=False)


@field("Host.service")
def host_service(ctx: Context, _host: Host, *, ports: Ports, host: str = "localhost") -> HostService:
    ctx.need_machine("Host.service")
    if not ports:
        raise UserError("no ports specified: a host service needs at least one")
    return HostService(host, _forwards(ports, default=None))


@field("Host.tunnel")
def tunnel(ctx: Context, _host: Host, *, service: Service, native: bool = False, ports: Ports = ()) -> TunnelService:
    ctx.need_machine("Host.tunnel")
    if isinstance(service, TunnelService):
        raise UserError("tunneling to non-Container services is not supported")
    return TunnelService(service, _forwards(ports, default=0), native)


@field("Host.unixSocket")
def unix_socket(ctx: Context, _host: Host, *, path: str) -> Socket:
    return Socket(ctx.host_path(path))


def _services(ctx: Context) -> SessionServices:
    return cast(SessionServices, ctx.session.worker.services)


async def service_values(ctx: Context, service: Service) -> dict[str, Value]:
    """The values of what a service needs, by the outputs' keys."""
    values = await asyncio.gather(*(ctx.value(output) for output in service.inputs))
    return {output.key: value for output, value in zip(service.inputs, values, strict=True)}


async def _start(ctx: Context, service: Service) -> None:
    values = await service_values(ctx, service)
    await ctx.in_thread(_services(ctx).start, ctx.session.worker, service, values)


def _forwards(ports: Ports, *, default: int | None) -> tuple[Forward, ...]:
    """The API's port forwards; where no frontend is named it is ``default``, or with None the backend's number."""
    return tuple(
        Forward(
            port.get("frontend") or (port["backend"] if default is None else default),
            port["backend"],
            str(port.get("protocol") or "TCP"),
        )
        for port in ports
    )
