"""Finding a module, reading its dagger.json and pyproject.toml, and its digest."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.engine.api.query.api import VERSION
from baselard.engine.errors import UserError
from baselard.engine.modules import source
from baselard.engine.store.database import Store


def module(root: Path, project: str = "", **config: object) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "dagger.json").write_text(json.dumps({"name": "hello-world", "sdk": {"source": "python"}, **config}))
    (root / "pyproject.toml").write_text(project)
    (root / "main.py").write_text("x = 1\n")
    return root


def test_the_nearest_above_is_found(tmp_path: Path) -> None:
    module(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    found = source.find(tmp_path / "a" / "b")
    assert (found.root, found.name) == (tmp_path, "hello-world")


def test_names_follow_the_python_runtime(tmp_path: Path) -> None:
    found = source.load(module(tmp_path, '[project]\nname = "My-Package"\n'))
    assert (found.main_object, found.package) == ("HelloWorld", "my_package")


def test_an_entry_point_is_read_from_the_project(tmp_path: Path) -> None:
    found = source.load(module(tmp_path, '[project.entry-points."dagger.mod"]\nmain_object = "a.b:C"\n'))
    assert found.entry_point == "a.b:C"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"sdk": {"source": "go"}}, "written for the SDK 'go'"),
        ({"sdk": ""}, "the module hello-world has no SDK"),
        ({"dependencies": [{"name": "other", "source": "../other"}]}, "only a real engine makes"),
        ({"name": ""}, "the module has no name"),
        (
            {"engineVersion": "v1.0.0-beta.3"},
            "module requires dagger v1.0.0-beta.3, but the embedded engine serves 0.21",
        ),
        ({"engineVersion": "v0.22.0"}, "module requires dagger v0.22.0"),
        ({"sdk": 3}, r"dagger\.json: sdk must be a string, not 3"),
        ({"sdk": {"source": ["python"]}}, "source must be a string"),
        ({"source": 3}, "source must be a string, not 3"),
        ({"include": "src"}, "include must be a list of strings, not 'src'"),
        ({"include": ["src", 3]}, "include must be a string, not 3"),
        ({"name": ["x"]}, "name must be a string"),
    ],
)
def test_modules_that_cannot_run_here_say_why(tmp_path: Path, config: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        source.load(module(tmp_path, **config))  # type: ignore[arg-type]


def test_a_project_that_is_no_table_declares_nothing(tmp_path: Path) -> None:
    """Whoever installs it says what is wrong with it."""
    found = source.load(module(tmp_path, "project = 1\n"))
    assert (found.package, found.entry_point) == ("hello_world", "")


@pytest.mark.parametrize("version", ["", "latest", "v0.21.99", "v0.20.0", "0.18.4"])
def test_modules_for_this_or_an_older_api_are_taken(tmp_path: Path, version: str) -> None:
    assert source.load(module(tmp_path, engineVersion=version)).name == "hello-world"


def test_the_version_is_that_of_the_api() -> None:
    assert ".".join(map(str, source._SERVED)) == VERSION.removeprefix("v").rpartition(".")[0]


def test_broken_files_are_named_with_their_line(tmp_path: Path) -> None:
    module(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = \n")
    with pytest.raises(UserError, match=r"pyproject\.toml:2: "):
        source.load(tmp_path)
    (tmp_path / "dagger.json").write_text('{\n"name": x}')
    with pytest.raises(UserError, match=r"dagger\.json:2: "):
        source.load(tmp_path)


def test_no_module_anywhere_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name a module with -m"):
        source.find(tmp_path)


def test_the_digest_changes_with_content_alone(tmp_path: Path) -> None:
    one, two = module(tmp_path / "one"), module(tmp_path / "two")
    first = source.load(one).digest
    assert source.load(two).digest == first
    (one / "main.py").write_text("x = 2\n")
    assert source.load(one).digest != first


def test_the_digest_passes_over_what_dagger_json_excludes(tmp_path: Path) -> None:
    root = module(tmp_path, include=["!**", "dagger.json", "*.py", "src"])
    first = source.load(root).digest
    for name in ("notes.txt", "other/x.py", "__pycache__/main.pyc"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("new")
    assert source.load(root).digest == first
    (root / "src" / "deep").mkdir(parents=True)
    (root / "src" / "deep" / "x.txt").write_text("new")
    assert source.load(root).digest != first


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("src", "src/a/b.py", True),
        ("src", "srcs/a", False),
        ("*.py", "a.py", True),
        ("*.py", "a/b.py", False),
        ("**/*.py", "a/b/c.py", True),
        ("**/*.py", "c.py", True),
        ("**", "a/b", True),
    ],
)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    assert bool(source._glob(pattern).fullmatch(path)) is matches


def test_absolute_default_paths_start_from_the_tree_that_is_worked_on(tmp_path: Path) -> None:
    own = source.load(module(tmp_path / "own"))
    assert own.context == tmp_path / "own"
    assert replace(own, tree=tmp_path / "theirs").context == tmp_path / "theirs"


def test_what_the_engine_keeps_is_no_part_of_a_module(tmp_path: Path) -> None:
    """A store in the repository, as a CI cache's folder is, changes with every run."""
    before = source.load(module(tmp_path)).digest
    Store.open(tmp_path / ".store").close()
    assert source.load(tmp_path).digest == before


def test_a_held_module_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever sees to it that the files stay as they are; that of another module is its own."""
    monkeypatch.setattr(source, "_HELD", {})
    own, other = source.load(module(tmp_path / "own")), source.load(module(tmp_path / "other", project="[project]"))
    source.hold(own)
    monkeypatch.setattr(source.PythonModule, "_files", lambda _: pytest.fail("read again"))
    monkeypatch.setattr(source, "_json", lambda _: pytest.fail("read again"))
    assert source.load(own.root).digest == own.digest == replace(own, tree=tmp_path).digest
    monkeypatch.undo()
    assert other.digest != own.digest
