"""A program makes directories in each other by the thousand: the store is tidied all the same."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.store import collect, locks
from tests.deep_trees import nested

pytestmark = pytest.mark.root
DEEPER = "i=0; while [ $i -lt 3000 ]; do mkdir d && cd d; i=$((i+1)); done; echo made"


@pytest.fixture
def gone_at_last() -> Iterator[list[Path]]:
    """What has to go whatever the test finds: pytest's own cleaning up would fail of it."""
    doomed: list[Path] = []
    yield doomed
    subprocess.run(["rm", "-rf", "--", *doomed], check=True)


def test_a_commands_deep_directories_are_kept_and_removed(run, worker, gone_at_last) -> None:
    """Kept as a snapshot, measured, and swept away once nothing knows it; nothing is left of the work on it."""
    ran = run(DEEPER)
    assert ran.stdout == "made\n"
    made = worker.store.layer_path(ran.result.values[0].tree)
    gone_at_last += [made, made.with_name("999999")]
    assert (made / "d/d/d").is_dir()
    assert collect.disk_usage(made) > 1000 * 4096
    assert not [path for path in worker.store.work.iterdir() if any(path.iterdir())]
    made.rename(made.with_name("999999"))
    worker.store._remove_unrecorded()
    assert not made.with_name("999999").exists()
    assert not [path for path in worker.store.work.iterdir() if any(path.iterdir())]


def test_what_a_dead_process_left_is_removed_however_deep(tmp_path: Path, gone_at_last: list[Path]) -> None:
    """Whoever opens the store next removes it, and could not open it otherwise."""
    left = locks.own(tmp_path / "own")
    gone_at_last.append(left.path)
    nested(left.path / "tree", 3000)
    left.lock.close()
    (abandoned,) = locks.abandoned(tmp_path)
    abandoned.close()
    assert not left.path.exists()
