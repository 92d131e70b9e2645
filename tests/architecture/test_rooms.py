"""Who may import whom: the order of design and docs/architecture.md, and no circles anywhere."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _helper() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture_imports", Path(__file__).with_name("imports.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


imports = _helper()
KNOWN = imports.modules()

TOOLS = "tools"
ORDER = (
    ("errors",),
    ("digest", "platforms", "cancel", "privilege", "locks"),
    ("process", "graph"),
    ("store", "evaluate"),
    (TOOLS,),  # every other module and folder below engine/: a tool each, of the worker's or of an operation's
    ("worker",),
    ("sandbox", "sandbox_mounts", "sandbox_terminal"),
    ("services",),
    ("ops",),
    ("objects",),
    ("schema",),
    ("session",),
    ("server",),
    ("modules",),
    ("cli",),
)
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}

ALONE = {
    "pipeline": {"pipeline", "dockerfile", "distribution"},
    "dockerfile": {"dockerfile", "distribution"},
    "distribution": {"distribution"},
    "engine": {"engine", "dockerfile", "distribution"},
}

STARTERS = {"subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_output", "os.system", "os.popen"}


def _room(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def _rank(name: str) -> int:
    part = name.split(".")[1] if "." in name else ""
    return RANK.get(part, RANK[TOOLS])


def test_the_checks_see_the_code() -> None:
    assert len(KNOWN) > 50
    assert "engine.graph" in imports.imported(KNOWN["engine.evaluate"], KNOWN)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_rooms_keep_apart(name: str) -> None:
    reached = {other for other in imports.imported(KNOWN[name], KNOWN) if _room(other) not in ALONE[_room(name)]}
    assert not reached, f"{name} may not import {', '.join(sorted(reached))}"


@pytest.mark.parametrize("name", sorted(name for name in KNOWN if name.startswith("engine.")))
def test_the_engine_imports_downwards(name: str) -> None:
    others = {other for other in imports.imported(KNOWN[name], KNOWN) if other.startswith("engine.")}
    above = {other for other in others if _rank(other) > _rank(name)}
    assert not above, f"{name} may not import {', '.join(sorted(above))}: that stands above it"


def test_no_circles() -> None:
    graph = {name: imports.imported(path, KNOWN) - {name} for name, path in KNOWN.items()}
    assert imports.cycles(graph) == []


def test_circles_would_be_found() -> None:
    assert imports.cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c", "a"]]


def test_one_module_starts_programs() -> None:
    assert {name for name, path in KNOWN.items() if imports.called(path) & STARTERS} == {"engine.process"}


def test_one_module_forks() -> None:
    assert {name for name, path in KNOWN.items() if "os.fork" in imports.called(path)} == {"engine.modules.runner"}


@pytest.mark.parametrize("name", sorted(name for name in KNOWN if name.startswith("pipeline")))
def test_the_pipeline_speaks_only_the_api(name: str) -> None:
    assert "graphql" not in imports.foreign(KNOWN[name])
