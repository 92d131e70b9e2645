"""Object IDs: opaque strings a client may send back to the session that gave them out."""

import base64
from dataclasses import dataclass, field

from baselard.engine.errors import UserError
from baselard.engine.solver import digest


def type_name(value: object) -> str:
    """The GraphQL type of an object: its class's name, or what its attribute ``graphql_type`` says."""
    return str(getattr(value, "graphql_type", type(value).__name__))


def _reference(kind: str, name: str) -> bytes:
    """A reference to an object as a Dagger engine writes it, in the wire format of Protocol Buffers.

    Dagger's ``DAG`` (dagql/call/callpbv1) has in field 2 a number and the type. The number is the beginning of the
    object's digest. There is nothing else: a client that decodes an ID drops the fields that it does not know.
    """
    number = int.from_bytes(bytes.fromhex(name.rpartition(":")[2])[:8]) >> 1
    type_ = _bytes_field(1, kind.encode()) + b"\x18\x01"  # not null
    return _bytes_field(2, b"\x08" + _varint(number) + _bytes_field(2, type_))


def _bytes_field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have the highest bit set."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


@dataclass
class Ids:
    """The objects one session has given out; equal objects have equal IDs."""

    objects: dict[str, object] = field(default_factory=dict)

    def give(self, value: object) -> str:
        """The ID of ``value``, a frozen dataclass, which is known by it from now on."""
        given = self.name(value)
        self.objects[given] = value
        return given

    def name(self, value: object) -> str:
        """The ID that ``value`` has."""
        kind = type_name(value)
        return base64.b64encode(_reference(kind, digest.of("id.v1", kind, value))).decode()

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
