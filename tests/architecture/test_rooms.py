"""Who may import whom: the order of docs/explanation/architecture.md, and no circles anywhere."""

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from baselard.engine.errors import EngineError


def _helper() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture_imports", Path(__file__).with_name("imports.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


imports = _helper()
KNOWN = imports.modules()

ENGINE = "baselard.engine"
OCI = ("baselard.oci", "baselard.oci.registry")
DOCKERFILE = tuple(f"baselard.dockerfile{part}" for part in ("", ".syntax", ".plan", ".apply", ".dagger"))
LAYERS = (
    ("errors",),
    ("solver",),
    ("store",),
    ("host",),
    ("progress", "files"),
    ("images.layers",),
    ("images",),
    ("run.networks",),
    ("run.containers",),
    ("run",),
    ("run.services",),
    ("ops",),
    ("api.objects",),
    ("api.query",),
    ("api",),
    ("api.more.objects",),
    ("api.more",),
    ("api.served",),
    ("api.compatibility", "api.session"),
    ("api.server",),
    ("modules",),
)
"""The rooms of the engine, from the ground up: each may import those of the lines above it."""

# Which rooms may import which. A module belongs to the room with the longest name that its own name begins with.
ALLOWED: dict[str, tuple[str, ...]] = {
    "action": (),
    "baselard": (),
    "baselard.oci": (),
    "baselard.oci.registry": OCI,
    "baselard.dockerfile.syntax": OCI,
    "baselard.dockerfile.plan": (*OCI, "baselard.dockerfile.syntax"),
    "baselard.dockerfile.apply": (*OCI, "baselard.dockerfile.syntax", "baselard.dockerfile.plan"),
    "baselard.dockerfile.dagger": (*OCI, *DOCKERFILE[1:4]),
    "baselard.dockerfile": (*OCI, *DOCKERFILE),
    "pipeline.conventions": DOCKERFILE[:1],
    "pipeline.on_disk": (),
    "pipeline": (*OCI, *DOCKERFILE, "pipeline.conventions", "pipeline.errors"),
    "pipeline.here": (*OCI, *DOCKERFILE, "pipeline.conventions", "pipeline.errors", "pipeline.on_disk", "pipeline"),
    "pipeline.errors": (),
    ENGINE: (),
    "baselard.cli": (
        *("pipeline.conventions", "pipeline.on_disk", "pipeline.here", "pipeline.errors", ENGINE, *OCI, *DOCKERFILE),
        *("baselard.resident", *(f"{ENGINE}.{room}" for row in LAYERS for room in row)),
    ),
    "baselard.resident": (f"{ENGINE}.host", f"{ENGINE}.modules"),
    "bench": ("baselard.cli", ENGINE, *OCI, *(f"{ENGINE}.{room}" for row in LAYERS for room in row)),
}
for _number, _row in enumerate(LAYERS):
    _below = tuple(f"{ENGINE}.{room}" for row in LAYERS[:_number] for room in row)
    for _name in _row:
        _shared = OCI if _name in ("images", "ops") or _name.startswith("api") else OCI[:1]
        _language = DOCKERFILE[:4] if _name.startswith("api") else ()
        ALLOWED[f"{ENGINE}.{_name}"] = (*_below, *_shared, *_language)

STARTERS = {
    "subprocess.run",
    "subprocess.Popen",
    "subprocess.call",
    "subprocess.check_output",
    "os.system",
    "os.popen",
    "os.posix_spawn",
}
RUNNER = f"{ENGINE}.modules.runner"  # a program of its own, which the module's interpreter runs
INSIDE = "pipeline.testers.pytest.inside"  # likewise, run by a Python that is mounted into an image under test
BESIDE = ("bench", "action")  # run by developers and by runners, apart from the product


def _room(name: str) -> str:
    return max((room for room in ALLOWED if name == room or name.startswith(f"{room}.")), key=len)


def test_the_checks_see_the_code() -> None:
    assert len(KNOWN) > 300
    assert "baselard.engine.solver.graph" in imports.imported(KNOWN["baselard.engine.solver.evaluate"], KNOWN)


def test_every_folder_is_a_room() -> None:
    folders = {name.rpartition(".")[0] for name in KNOWN if not KNOWN[name].name.startswith("__")} - {""}
    own = {"pipeline", "bench", "action"}  # one room each, with all that is in them
    assert {folder for folder in folders if folder.split(".")[0] not in own} <= set(ALLOWED)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_rooms_import_only_what_stands_below_them(name: str) -> None:
    reached = {other for other in imports.imported(KNOWN[name], KNOWN) if _room(other) != _room(name)}
    above = {other for other in reached if _room(other) not in ALLOWED[_room(name)]}
    assert not above, f"{name} may not import {', '.join(sorted(above))}"


def test_no_circles() -> None:
    graph = {name: imports.imported(path, KNOWN) - {name} for name, path in KNOWN.items()}
    assert imports.cycles(graph) == []


def test_no_circles_of_rooms() -> None:
    graph: dict[str, set[str]] = {}
    for name, path in KNOWN.items():
        graph.setdefault(_room(name), set()).update(map(_room, imports.imported(path, KNOWN)))
    graph = {room: others - {room} for room, others in graph.items()}
    assert imports.cycles(graph) == []


def test_circles_would_be_found() -> None:
    assert imports.cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c", "a"]]


def test_only_a_users_module_is_imported_by_a_string() -> None:
    """Such an import is an arrow that none of these tests sees; a late one stands in its function as any other."""
    assert {name for name, path in KNOWN.items() if imports.loaded_by_name(path)} == {RUNNER}


def test_benches_and_action_import_no_tests() -> None:
    assert not [name for name in KNOWN if name.split(".")[0] in BESIDE and "tests" in imports.foreign(KNOWN[name])]


def test_two_modules_start_programs() -> None:
    starting = {name for name, path in KNOWN.items() if imports.called(path) & STARTERS} - {INSIDE}
    assert {name for name in starting if name.split(".")[0] not in BESIDE} == {
        *("baselard.engine.host.process", "baselard.resident.client"),  # the latter imports nothing large
    }


def test_only_the_store_knows_its_database() -> None:
    """SQL, the connection and the tables stay in one room, so that a change of them is a change of one room."""
    product = {name: path for name, path in KNOWN.items() if not name.startswith(f"{ENGINE}.store.")}
    using = {name for name, path in product.items() if "sqlite3" in imports.foreign(path)}
    touching = {name for name, path in product.items() if re.search(r"store\.db\.|\bSELECT .* FROM ", path.read_text())}
    assert using | touching == set()


def test_the_tables_stand_in_one_file() -> None:
    making = {name for name, path in KNOWN.items() if "CREATE TABLE" in path.read_text()}
    assert making == {f"{ENGINE}.store.schema"}


def test_the_errors_that_a_caller_sees_stand_in_one_file() -> None:
    """Judge: the classes themselves, all modules of the engine being imported."""
    for name in KNOWN:
        if name.startswith(f"{ENGINE}."):
            importlib.import_module(name)
    seen = [EngineError]  # grows while it is walked
    for kind in seen:
        seen.extend(kind.__subclasses__())
    assert {kind.__module__ for kind in seen if kind.__module__.startswith(f"{ENGINE}.")} == {f"{ENGINE}.errors"}


def test_two_modules_fork() -> None:
    forking = {name for name, path in KNOWN.items() if "os.fork" in imports.called(path)}
    assert forking == {"baselard.engine.modules.runner", "baselard.resident.server"}


@pytest.mark.parametrize("name", sorted(name for name in KNOWN if name.startswith("pipeline")))
def test_the_pipeline_speaks_only_the_api(name: str) -> None:
    assert "graphql" not in imports.foreign(KNOWN[name])


def test_only_the_dagger_builder_and_who_runs_modules_name_the_sdk() -> None:
    product = (name for name in KNOWN if name.startswith("baselard."))
    naming = {name for name in product if "dagger" in imports.foreign(KNOWN[name])}
    assert {name for name in naming if not name.startswith("baselard.dockerfile.dagger.")} == {
        *(RUNNER, f"{RUNNER}_call", f"{RUNNER}_client", f"{RUNNER}_failures"),
    }
