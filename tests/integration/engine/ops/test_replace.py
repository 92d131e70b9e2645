"""Text replaced in one file."""

import stat

import pytest

from baselard.engine.errors import UserError
from baselard.engine.ops.file import NewFile
from baselard.engine.ops.replace import Replace
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Output

pytestmark = pytest.mark.root

TEXT = b"one two\ntwo\rtwo\nthree\n"
FILE = Output(NewFile(Output(Scratch()), "/f", TEXT, 0o4755, "5:6"))


@pytest.mark.parametrize(
    ("search", "options", "expected"),
    [
        (b"three", {}, b"one two\ntwo\rtwo\n3\n"),
        (b"two", {"everywhere": True}, b"one 3\n3\r3\nthree\n"),
        (b"two", {"first_from": 1}, b"one 3\ntwo\rtwo\nthree\n"),
        (b"two", {"first_from": 2}, b"one two\n3\rtwo\nthree\n"),
        (b"two", {"first_from": 2, "everywhere": True}, b"one two\n3\r3\nthree\n"),
        (b"two\ntwo", {}, b"one 3\rtwo\nthree\n"),
    ],
)
def test_replace(trees, search: bytes, options: dict[str, object], expected: bytes) -> None:
    node = Replace(FILE, "/f", search, b"3", **options)  # type: ignore[arg-type]
    assert trees.look(node, lambda root: (root / "f").read_bytes()) == expected
    info = trees.stat(node, "f")
    assert (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) == (0o4755, 5, 6)


@pytest.mark.parametrize(
    ("search", "options", "message"),
    [
        (b"two", {}, r"multiple times: line 1 .*, line 2 .*, line 2 \([0-9]+-[0-9]+\)"),
        (b"none", {}, "not found"),
        (b"one", {"first_from": 2}, "not found from line 2"),
        (b"two", {"first_from": 0}, "firstFrom"),
        (b"", {}, "empty"),
    ],
)
def test_what_cannot_be_replaced_is_explained(trees, search: bytes, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        trees.value(Replace(FILE, "/f", search, b"3", **options))  # type: ignore[arg-type]
