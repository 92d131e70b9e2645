"""A function that shows earlier runs gets those of its tree, unless it was given others."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from baselard.cli import trends
from baselard.engine.api.objects.reachable import Step
from baselard.engine.modules.addresses import ObjectAddress
from baselard.engine.store import runs
from baselard.engine.store.database import Store
from baselard.engine.store.runs import Commit, RecordedRun

SHOWS: Any = SimpleNamespace(name="report", args=[SimpleNamespace(name="past")])
OTHER: Any = SimpleNamespace(name="lint", args=[])
OWNER: Any = SimpleNamespace()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    for place in ("/a", "/b"):
        runs.add(opened, RecordedRun(place, (), 0.0, 0.0, 0, Commit(), ()))
    yield opened
    opened.close()


def test_a_file_of_the_trees_runs_goes_along_and_away(store: Store) -> None:
    steps = [Step(OWNER, OTHER), Step(OWNER, SHOWS, {"only": ["a"]}), Step(OWNER, OTHER)]
    with trends.told(steps, store, "/a") as told:
        address = told[1].args["past"]
        assert isinstance(address, ObjectAddress)
        assert [one["run"] for one in json.loads(Path(address.path).read_text())] == [1]
        assert (told[0], told[1].args["only"], told[2]) == (steps[0], ["a"], steps[2])
    assert not Path(address.path).exists()


@pytest.mark.parametrize(
    ("step", "place"),
    [(Step(OWNER, OTHER), "/a"), (Step(OWNER, SHOWS, {"past": "mine"}), "/a"), (Step(OWNER, SHOWS), "/nowhere")],
)
def test_otherwise_the_steps_are_as_they_were(store: Store, step: Step, place: str) -> None:
    with trends.told([step], store, place) as told:
        assert told == [step]
