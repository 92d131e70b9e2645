"""Operations on trees that hold pipes and devices where a file is meant: nothing waits for them or reads them."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.ops import host
from baselard.engine.ops.copy import Copy
from baselard.engine.ops.patch import ApplyPatch
from baselard.engine.ops.scratch import Scratch
from baselard.engine.ops.unpack import Unpack
from baselard.engine.solver.graph import Output
from tests import alone

pytestmark = pytest.mark.root


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # zeros without end


@pytest.fixture(params=[_fifo, pytest.param(_device, marks=alone.DEVICES)])
def odd(trees, tmp_path: Path, request: pytest.FixtureRequest) -> Output:
    """A tree whose ``odd`` is not a file."""
    (tmp_path / "tree").mkdir()
    make: Callable[[Path], None] = request.param
    make(tmp_path / "tree/odd")
    return Output(host.load(trees, str(tmp_path / "tree")))


def test_it_is_no_archive(trees, odd: Output) -> None:
    node = Unpack(odd, "/odd", "odd")
    assert trees.names(node) == ["odd"]
    assert not stat.S_ISREG(trees.stat(node, "odd").st_mode)


def test_it_is_no_patch(trees, odd: Output) -> None:
    with pytest.raises(UserError, match="odd is not a regular file"):
        trees.value(ApplyPatch(Output(Scratch()), odd, "/odd"))


def test_it_is_copied_as_what_it_is(trees, odd: Output) -> None:
    node = Copy(Output(Scratch()), odd, "/to")
    assert not stat.S_ISREG(trees.stat(node, "to/odd").st_mode)
