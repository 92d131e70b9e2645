"""How many processes run the tests that a command line chooses, and what they are given."""

import socket
from pathlib import Path

import pytest

from tests import workers


@pytest.mark.parametrize(
    ("chosen", "cores", "processes"),
    [
        (["a/test_one.py"], 4, 0),
        (["a/test_one.py::test_x", "a/test_one.py::test_y"], 4, 0),
        (["a/test_one.py", "a"], 4, 2),
        (["."], 4, 3),
        (["."], 2, 2),
        (["."], 1, 0),
        ([], 4, 0),
    ],
)
def test_there_are_no_more_processes_than_files(
    chosen: list[str], cores: int, processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/test_one.py", "a/test_two.py", "a/helpers.py", "b/deep/test_three.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert workers.wanted(chosen, cores) == processes


def test_levels_begin_with_the_slowest() -> None:
    files = ["tests/unit/a/test_x.py::test", "tests/e2e/test_y.py::test", "tests/unit/test_z.py::test[e2e/x]"]
    longest = "tests/e2e/rootless/test_w.py::test"
    assert sorted([*files, longest], key=workers.turn) == [longest, files[1], files[0], files[2]]


def test_every_level_has_its_turn() -> None:
    tests = Path(workers.__file__).parent
    assert {path.relative_to(tests).parts[0] for path in tests.rglob("test_*.py")} == set(workers._ORDER)


def test_ports_of_two_processes_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    thousands = []
    for number in range(11):
        monkeypatch.setattr(workers, "NUMBER", number)
        thousands.append(workers.free_port() // 2000)
    assert len(set(thousands)) == 11


def test_a_port_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offered = iter([taken.getsockname()[1], 31_999])
        monkeypatch.setattr(workers.random, "randrange", lambda first, end: next(offered))
        assert workers.free_port() == 31_999
