"""What a program's run is called by, as far as trees go."""

import pytest

from baselard.engine.ops.exec import Exec
from baselard.engine.ops.file import NewFile
from baselard.engine.ops.scratch import Scratch
from baselard.engine.run.containers.command import BindMount, Command
from baselard.engine.solver.graph import Output

pytestmark = pytest.mark.root
EMPTY = Output(Scratch())


def files(*names: str) -> Output:
    tree = EMPTY
    for name in names:
        tree = Output(NewFile(tree, name, name.encode()))
    return tree


def content_key(trees, source: Output, subpath: str, *, readonly: bool) -> str | None:
    mounts = (BindMount("/mnt", source, subpath, readonly),)
    node = Exec(Command(files("/rootfs"), ("true",), mounts=mounts))
    return node.content_key(trees, [trees.value(entry.node) for entry in node.inputs])


def test_of_a_part_that_is_only_read_nothing_else_counts(trees) -> None:
    one, two, three = files("/src/a", "/one"), files("/two", "/src/a"), files("/src/b", "/one")
    keys = [content_key(trees, source, "/src", readonly=True) for source in (one, two, three)]
    assert keys[0] == keys[1] != keys[2]
    assert content_key(trees, one, "/src/a", readonly=True) == content_key(trees, two, "/src/a", readonly=True)


def test_of_a_part_that_is_written_all_around_it_counts(trees) -> None:
    one, two = files("/src/a", "/one"), files("/two", "/src/a")
    assert content_key(trees, one, "/src", readonly=False) != content_key(trees, two, "/src", readonly=False)
