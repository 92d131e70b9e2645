"""Registries that run as a service of the session: reached through a port of this machine while they are needed."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import cast

from baselard.engine.api.query.context import Context
from baselard.engine.api.service import service_values
from baselard.engine.errors import UserError
from baselard.engine.run.services.service import Service
from baselard.engine.run.services.session_services import SessionServices
from baselard.oci.digits import LARGEST_PORT, decimal
from baselard.oci.reference import Reference


@dataclass(frozen=True)
class Way:
    """How a reference is reached: ``reference`` is what to ask for, ``shown`` turns an answer back."""

    wanted: Reference
    reference: Reference

    def shown(self, answer: Reference | str) -> str:
        """The answer under the name that the user knows."""
        return str(answer).replace(f"{self.reference.registry}/", f"{self.wanted.registry}/", 1)


@contextlib.asynccontextmanager
async def way_to(ctx: Context, wanted: Reference, service: Service | None) -> AsyncIterator[Way]:
    """The way to ``wanted``: straight, or through ``service`` (plain HTTP) inside the block."""
    if service is None:
        yield Way(wanted, wanted)
        return
    services = cast(SessionServices, ctx.session.worker.services)
    values = await service_values(ctx, service)
    reached = services.reached(ctx.session.worker, service, values, _port(wanted, service))
    port = await ctx.in_thread(reached.__enter__)
    try:
        yield Way(wanted, replace(wanted, registry=f"127.0.0.1:{port}"))
    finally:
        await ctx.in_thread(reached.__exit__, None, None, None)


def _port(wanted: Reference, service: Service) -> int:
    """The port in the reference, else the one the service exposes."""
    _, colon, number = wanted.registry.rpartition(":")
    if colon and (port := decimal(number, LARGEST_PORT)):
        return port
    if len(service.ports) == 1:
        return service.ports[0].port
    raise UserError(f"registryService: name the registry's port in {wanted.registry}, or expose just that one")
