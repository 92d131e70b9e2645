"""Services that the engine itself asks, for a download or a repository."""

from baselard.engine.errors import UserError
from baselard.engine.run.containers.command import Binding, BoundService
from baselard.engine.run.networks import hub


def bindings(service: BoundService | None) -> list[Binding]:
    """The bindings of such work: of ``service``, or none.

    Raises UserError for a plain user's: it is in a network of its own, and its address may be somebody else's here.
    """
    if service and hub.is_needed():
        raise UserError(
            "a plain user's engine does not reach a service by itself: have a command get it, in a container that "
            "the service is bound to"
        )
    return [Binding("", service)] if service else []
