"""Object IDs: opaque strings a client may send back during the session that gave them out."""

import base64
from dataclasses import dataclass, field

from baselard.engine.errors import UserError
from baselard.engine.solver import digest


def type_name(value: object) -> str:
    """The GraphQL type of an object: its class's name, or what its attribute ``graphql_type`` says."""
    return str(getattr(value, "graphql_type", type(value).__name__))


@dataclass
class Ids:
    """The objects one session has given out; equal objects have equal IDs."""

    objects: dict[str, object] = field(default_factory=dict)

    def give(self, value: object) -> str:
        """The ID of ``value``, a frozen dataclass."""
        text = f"{type_name(value)}@{digest.of('id.v1', type_name(value), value)}"
        given = base64.b64encode(text.encode()).decode()
        self.objects[given] = value
        return given

    def load(self, given: str, expected: str = "", *, implementers: frozenset[str] = frozenset()) -> object:
        """The object behind an ID.

        ``expected`` is the type it must have; one of ``implementers`` where that is an interface. Raises UserError
        for IDs of another session, of no session, or of another type.
        """
        if given not in self.objects:
            what = f"{expected} ID" if expected else "ID"
            raise UserError(f"unknown {what} {given[:40]!r}: it was not given out in this session")
        value = self.objects[given]
        if expected and type_name(value) != expected and type_name(value) not in implementers:
            raise UserError(f"expected a {expected} ID, got the ID of a {type_name(value)}")
        return value
