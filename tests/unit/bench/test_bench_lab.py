"""The bases are the same in every run, and sizes are what they say."""

import os
from pathlib import Path

from bench.client import nested, text
from bench.lab import fill, on_disk


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_seed_decides_every_byte(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fill(tmp_path / name, 1, 250, seed=seed)
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again != other
    assert len(first) == 250
    assert sum(map(len, first.values())) == 1_000_000


def test_names_of_one_file_count_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(os.urandom(1 << 20))
    alone = on_disk(tmp_path)
    os.link(tmp_path / "one", tmp_path / "two")
    assert on_disk(tmp_path) == alone
    assert 1.04 < alone < 1.1


def test_a_chain_is_nested() -> None:
    assert nested("a", "b(c: 1)", "d") == "{a{b(c: 1){d}}}"
    assert text(['a"b', "ü"]) == '["a\\"b", "\\u00fc"]'
