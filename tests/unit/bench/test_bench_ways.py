"""Who is compared with whom when a base is handed over; no engine and no docker."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import docker, registry, ways


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


LAB: Any = SimpleNamespace(scratch=nowhere, session=nowhere, image=lambda number: Path(f"/image-{number}"))


def peer(daemon: Daemon, scratch: Path) -> ways.Peer:
    return ways.Peer(daemon, LAB, scratch, "localhost:1")  # type: ignore[arg-type]


def test_docker_forgets_the_image_before_it_takes_it_again(tmp_path: Path) -> None:
    daemon = Daemon()
    peer(daemon, tmp_path).by_registry(0)
    assert daemon.asked == ["make", "push", "remove", "pull", "touch", "remove"]


def test_an_archive_goes_away_and_so_does_the_image(tmp_path: Path) -> None:
    daemon = Daemon()
    peer(daemon, tmp_path).by_archive(0)
    assert daemon.asked == ["make", "save", "remove", "load", "touch", "remove"]
    assert list(tmp_path.iterdir()) == []


def test_what_fails_leaves_no_image_behind(tmp_path: Path) -> None:
    daemon = Daemon(fails="pull")
    with pytest.raises(RuntimeError, match="pull"):
        peer(daemon, tmp_path).by_registry(0)
    assert daemon.asked[-1] == "remove"


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("by-object", ["baselard object", "docker registry", "docker archive"]),
        ("by-registry", ["baselard registry", "docker registry"]),
        ("by-archive", ["baselard archive", "docker archive"]),
    ],
)
def test_each_way_is_beside_its_own_kind(monkeypatch: pytest.MonkeyPatch, name: str, sides: list[str]) -> None:
    monkeypatch.setattr(registry, "running", nowhere)
    monkeypatch.setattr(docker, "started", Daemon)
    scenario = next(scenario for scenario in ways.SCENARIOS if scenario.name == name)
    with scenario.sides(LAB) as found:
        assert list(found) == sides
