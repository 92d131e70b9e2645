"""Kept results of functions: what may be kept, for how long, and for whom."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.engine.api.objects.directory import Directory
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.typedef import Function, TypeDef
from baselard.engine.api.query.ids import Ids
from baselard.engine.modules.memory import WEEK, Memory
from baselard.engine.modules.source import PythonModule
from baselard.engine.ops.host import HostDirectory
from baselard.engine.run.containers.command import SecretRef
from baselard.engine.solver.graph import Output
from baselard.engine.store.database import Store

FUNCTION = Function("f", TypeDef("STRING_KIND"))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "main.py").write_text("one")
    with contextlib.closing(Store.open(tmp_path / "store")) as store:
        yield Memory(store, Ids(), PythonModule(tmp_path / "module", "m", tmp_path / "module"))


def test_a_kept_value_comes_back_for_the_same_call_alone(memory: Memory) -> None:
    key = memory.key("M", FUNCTION, {"a": 1}, {"x": "y"})
    assert memory.recall(key) is None
    memory.keep(key, FUNCTION, None)
    assert memory.recall(memory.key("M", FUNCTION, {"a": 1}, {"x": "y"})) == (None,)
    for other in (
        memory.key("N", FUNCTION, {"a": 1}, {"x": "y"}),
        memory.key("M", replace(FUNCTION, name="g"), {"a": 1}, {"x": "y"}),
        memory.key("M", FUNCTION, {"a": 2}, {"x": "y"}),
        memory.key("M", FUNCTION, {"a": 1}, {"x": "z"}),
    ):
        assert memory.recall(other) is None


def test_other_code_is_another_function(memory: Memory) -> None:
    key = memory.key("M", FUNCTION, {}, {})
    (memory.source.root / "main.py").write_text("two")
    changed = PythonModule(memory.source.root, "m", memory.source.source)
    assert replace(memory, source=changed).key("M", FUNCTION, {}, {}) != key


@pytest.mark.parametrize("policy", ["Never", "PerSession"])
def test_a_function_may_refuse(memory: Memory, policy: str) -> None:
    key = memory.key("M", replace(FUNCTION, cache_policy=policy), {}, {})
    memory.keep(key, FUNCTION, 1)
    assert key == ""
    assert memory.recall(key) is None


def test_other_variables_are_another_call(memory: Memory) -> None:
    key = replace(memory, environ={"TZ": "UTC"}).key("M", FUNCTION, {}, {})
    assert replace(memory, environ={"TZ": "UTC"}).key("M", FUNCTION, {}, {}) == key
    assert replace(memory, environ={"TZ": "CET"}).key("M", FUNCTION, {}, {}) != key


def given_files(memory: Memory, digest: str) -> str:
    """The ID of a host directory in a session of its own."""
    return memory.ids.give(Directory(Output(HostDirectory(digest, "/somewhere"))))


def test_files_of_the_host_stand_for_what_they_held(memory: Memory) -> None:
    source = given_files(memory, "sha256:" + "1" * 64)
    key = memory.key("M", FUNCTION, {}, {"source": source})
    memory.keep(key, FUNCTION, {"source": source}, {"source": source})
    later = replace(memory, ids=Ids())
    again = given_files(later, "sha256:" + "1" * 64)
    recalled = later.recall(later.key("M", FUNCTION, {}, {"source": again}))
    assert recalled == ({"source": again},)
    assert isinstance(later.ids.load(again), Directory)
    changed = given_files(later, "sha256:" + "2" * 64)
    assert later.recall(later.key("M", FUNCTION, {}, {"source": changed})) is None


def test_an_object_that_the_function_made_is_of_one_session(memory: Memory) -> None:
    """Its ID means nothing to the next session, which was not given it."""
    source = given_files(memory, "sha256:" + "1" * 64)
    own = memory.ids.give(Directory(Output(HostDirectory("sha256:" + "1" * 64, "/somewhere")), "/below"))
    key = memory.key("M", FUNCTION, {}, {"source": source})
    memory.keep(key, FUNCTION, {"made": own}, {"source": source})
    assert memory.recall(key) is None


def test_what_stands_for_more_than_files_is_asked_anew(memory: Memory) -> None:
    """Of a secret, only its place is in its ID, not what it is."""
    secret = memory.ids.give(Secret(SecretRef("env://TOKEN", ""), uri="env://TOKEN"))
    assert memory.key("M", FUNCTION, {}, {"secrets": [secret]}) == ""


def test_ids_are_of_one_session(memory: Memory) -> None:
    given = memory.ids.give(FUNCTION)
    assert memory.key("M", FUNCTION, {}, {"x": [given]}) == ""
    key = memory.key("M", FUNCTION, {}, {})
    memory.keep(key, FUNCTION, {"nested": [given]})
    assert memory.recall(key) is None


@pytest.mark.parametrize(("lasts", "seconds"), [("", WEEK), ("1m30s", 90)])
def test_values_grow_old(memory: Memory, monkeypatch: pytest.MonkeyPatch, lasts: str, seconds: float) -> None:
    function = replace(FUNCTION, time_to_live=lasts)
    monkeypatch.setattr("time.time", lambda: 1000.0)
    key = memory.key("M", function, {}, {})
    memory.keep(key, function, 1)
    monkeypatch.setattr("time.time", lambda: 1000 + seconds - 1)
    assert memory.recall(key) == (1,)
    monkeypatch.setattr("time.time", lambda: 1000 + seconds + 1)
    assert memory.recall(key) is None
