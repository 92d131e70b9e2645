"""What a change is, what it leads to, and what is said of it. Judges: the kernel's inotify, and files' own times."""

import os
import time
from pathlib import Path

import pytest

from baselard.cli import changed, watch
from baselard.cli.options import Options
from baselard.engine.api.objects.reachable import Step
from baselard.engine.api.objects.typedef import Function, FunctionArg, TypeDef
from baselard.engine.errors import HostError, UserError
from baselard.engine.modules.addresses import ObjectAddress
from baselard.engine.modules.source import PythonModule
from baselard.engine.progress.renewed import Renewed

pytestmark = pytest.mark.anyio
TEXTS = TypeDef("LIST_KIND", element=TypeDef("STRING_KIND"))
DIRECTORY = TypeDef("OBJECT_KIND", name="Directory")
OWNER = TypeDef("OBJECT_KIND", name="Main")


def step(*args: FunctionArg, **given: object) -> Step:
    return Step(OWNER, Function("test_examples", TypeDef("STRING_KIND"), args=args), given)


async def test_what_is_written_is_a_change_and_what_tools_keep_is_none(tmp_path: Path) -> None:
    for name in (".git", "node_modules", ".ruff_cache", "src"):
        (tmp_path / name).mkdir()
    (tmp_path / "src/a").write_text("")
    async with changed.watched([tmp_path]) as changes:
        for name in (".git/index", "node_modules/x", ".ruff_cache/x", "src/.a.swp", "src/a~"):
            (tmp_path / name).write_text("x")
        (tmp_path / "src/new").write_text("x")  # as sed -i and vim write: beside it, then in its place
        (tmp_path / "src/new").rename(tmp_path / "src/a")
        taken = set(await changes.take())
        while tmp_path / "src/a" not in taken:
            taken |= await changes.take()
        assert taken == {tmp_path / "src/a"}
        (tmp_path / "src/a").unlink()
        assert await changes.take() == {tmp_path / "src/a"}


async def test_a_directory_that_cannot_be_watched_is_told(tmp_path: Path) -> None:
    async with changed.watched([tmp_path / "nowhere"]) as changes:
        with pytest.raises(HostError, match="changes of files cannot be seen: No path was found"):
            await changes.take()


def test_a_function_that_takes_changed_paths_gets_them() -> None:
    takes = step(FunctionArg("changedPaths", TEXTS))
    assert watch._narrowed(takes, ["a", "b"]).args == {"changedPaths": ["a", "b"]}
    assert watch._narrowed(takes, []) == takes
    assert watch._narrowed(step(FunctionArg("only", TEXTS)), ["a"]).args == {}
    told = step(FunctionArg("changedPaths", TEXTS), changedPaths=["x"])
    assert watch._narrowed(told, ["a"]) == told


def test_what_is_watched_are_the_files_that_the_functions_get_and_the_module(tmp_path: Path) -> None:
    tree, other, root = tmp_path / "tree", tmp_path / "other", tmp_path / "module"
    for one in (tree, other, root):
        one.mkdir()
    module = PythonModule(root, "m", root, tree=tree)
    constructor = step(FunctionArg("source", DIRECTORY, default_path="/"))
    function = step(FunctionArg("base", DIRECTORY), base=ObjectAddress("Directory", str(other)))
    foreign = step(FunctionArg("from", DIRECTORY), **{"from": ObjectAddress("Directory", "https://x/y.git")})
    work = watch._work(None, module, [constructor, function, foreign])
    assert (work.roots, work.tree) == ((tree, other, root), tree)


def test_seconds_count_from_when_a_file_was_written(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    now = time.time()
    for path, age in ((new, 2.0), (old, 3600.0)):
        path.write_text("")
        os.utime(path, (now - age, now - age))
    assert watch._written([new, old, tmp_path / "gone"]) == pytest.approx(now - 2.0)
    assert watch._written([old]) >= now  # unpacked or moved here: written long ago, and seen just now


def test_a_round_s_last_line_tells_what_still_fails() -> None:
    shown = Renewed(lambda: None)
    assert (watch._verdict(True, shown), watch._verdict(False, shown)) == ("passed", "failed")
    shown.failed["a"] = None
    assert watch._verdict(True, shown) == "passed, a still fails;"
    shown.failed["b"] = None
    assert watch._verdict(True, shown) == "passed, a, b still fail;"
    assert watch._verdict(False, shown) == "failed (a, b)"
    assert watch._listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


@pytest.mark.parametrize(("options", "flag"), [(Options(output="x"), "-o"), (Options(interactive=True), "-i")])
def test_what_makes_no_sense_again_and_again_is_refused(options: Options, flag: str) -> None:
    with pytest.raises(UserError, match=f"{flag} is not for watch"):
        watch._require_rounds(options)


def test_the_checks_are_named_by_the_first_word() -> None:
    assert watch._words(["--progress", "plain", "check", "-q", "lint"]) == ["check", "lint"]
