"""Who is compared with whom when a base is handed over; no engine and no docker."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import docker, registry, ways
from bench.lab import QUICK, Lab


class Daemon:
    """Keeps the commands it was given."""

    def __init__(self, fails: str = "") -> None:
        self.asked: list[str] = []
        self.fails = fails

    def __getattr__(self, name: str) -> Callable[..., None]:
        def command(*args: object) -> None:
            self.asked.append(args[0] if name == "run" else name)  # type: ignore[arg-type]
            if name == "save":
                Path(str(args[1])).touch()
            if self.asked[-1] == self.fails:
                raise RuntimeError(self.fails)

        return command


@contextlib.contextmanager
def nowhere(*args: object) -> Iterator[Any]:
    yield Path("/nowhere")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path, QUICK)
    made.image = lambda number: Path(f"/image-{number}")  # type: ignore[method-assign]
    made.session = nowhere  # type: ignore[method-assign,assignment]
    return made


def peer(lab: Lab, giver: Daemon, taker: Daemon) -> ways.Peer:
    return ways.Peer(giver, taker, lab, lab.root, "localhost:1")  # type: ignore[arg-type]


def test_another_daemon_takes_what_one_gives_and_nothing_is_removed_before_the_end(lab: Lab) -> None:
    giver, taker = Daemon(), Daemon()
    peer(lab, giver, taker).by_registry(0)
    assert (giver.asked, taker.asked) == (["make", "push"], ["pull", "touch"])
    lab.until_end.close()
    assert (giver.asked, taker.asked) == (["make", "push", "remove"], ["pull", "touch", "remove"])


def test_an_archive_goes_away(lab: Lab) -> None:
    giver, taker = Daemon(), Daemon()
    peer(lab, giver, taker).by_archive(0)
    assert (giver.asked, taker.asked) == (["make", "save"], ["load", "touch"])
    assert list(lab.root.iterdir()) == []


def test_what_fails_leaves_no_image_behind(lab: Lab) -> None:
    giver, taker = Daemon(), Daemon(fails="pull")
    with pytest.raises(RuntimeError, match="pull"):
        peer(lab, giver, taker).by_registry(0)
    lab.until_end.close()
    assert giver.asked[-1] == taker.asked[-1] == "remove"


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("by-object", ["baselard object", "docker registry", "docker archive"]),
        ("by-registry", ["baselard registry", "docker registry"]),
        ("by-archive", ["baselard archive", "docker archive"]),
    ],
)
def test_each_way_is_beside_its_own_kind(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str, sides: list[str]
) -> None:
    monkeypatch.setattr(registry, "running", nowhere)
    monkeypatch.setattr(docker, "started", Daemon)
    scenario = next(scenario for scenario in ways.SCENARIOS if scenario.name == name)
    with scenario.sides(lab) as found:
        assert list(found) == sides
