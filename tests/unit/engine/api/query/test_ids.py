"""Object IDs, read by Google's implementation of Protocol Buffers with the fields that Dagger's messages have."""

import base64
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto  # type: ignore[import-untyped]
from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]
from google.protobuf.message_factory import GetMessageClass  # type: ignore[import-untyped]

from baselard.engine.api.query.ids import Ids
from baselard.engine.errors import UserError

RECORDED = "EhMIiZIEEg0KCUNvbnRhaW5lchgB"
"""What a Dagger engine 0.21.8 gave for a container."""

_KINDS = {"uint64": FieldDescriptorProto.TYPE_UINT64, "string": FieldDescriptorProto.TYPE_STRING}
_MESSAGES = {  # dagql/call/callpbv1/call.proto
    "DAG": [("engineResult", 2, ".EngineResultRef")],
    "EngineResultRef": [("resultID", 1, "uint64"), ("rootType", 2, ".Type")],
    "Type": [("namedType", 1, "string"), ("nonNull", 3, "bool")],
}


@dataclass(frozen=True)
class Thing:
    name: str


def _message() -> Any:
    file = FileDescriptorProto(name="call.proto", syntax="proto3")
    for message, fields in _MESSAGES.items():
        made = file.message_type.add(name=message)
        for name, number, kind in fields:
            simple = _KINDS.get(kind, FieldDescriptorProto.TYPE_BOOL)
            type_ = {"type_name": kind} if kind.startswith(".") else {"type": simple}
            made.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL, **type_)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("DAG"))()


def _read(given: str) -> tuple[str, bool, int]:
    dag = _message()
    dag.ParseFromString(base64.b64decode(given, validate=True))
    found = dag.engineResult
    return found.rootType.namedType, found.rootType.nonNull, found.resultID


def _again(given: str) -> str:
    """The ID as a client writes it that read it into Dagger's own types, as Dagger's test suite does."""
    dag = _message()
    dag.ParseFromString(base64.b64decode(given, validate=True))
    dag.DiscardUnknownFields()
    return base64.b64encode(dag.SerializeToString(deterministic=True)).decode()


def test_the_reader_reads_what_dagger_gave() -> None:
    assert _read(RECORDED) == ("Container", True, 67849)


@pytest.mark.parametrize("name", ["", "a", "b" * 1000])
def test_an_id_is_read_as_one_of_dagger_s(name: str) -> None:
    kind, certain, number = _read(Ids().give(Thing(name)))
    assert (kind, certain) == ("Thing", True)
    assert 0 < number < 1 << 63


def test_an_id_that_a_client_read_and_wrote_again_is_the_same() -> None:
    assert _again(RECORDED) == RECORDED
    assert _again(Ids().give(Thing("a"))) == Ids().give(Thing("a"))


def test_equal_objects_have_equal_ids_and_are_found_by_them() -> None:
    ids = Ids()
    given = ids.give(Thing("a"))
    assert given == Ids().give(Thing("a")) != ids.give(Thing("b"))
    assert ids.load(given, "Thing") == Thing("a")


def test_what_is_no_id_of_the_session_is_told() -> None:
    with pytest.raises(UserError, match="unknown Thing ID"):
        Ids().load(Ids().give(Thing("a")), "Thing")
