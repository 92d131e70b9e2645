"""Random trees through chains of operations, against a model that is a dictionary."""

import random
from pathlib import Path

import pytest

from baselard.engine.files import paths
from baselard.engine.files.walking import Filter
from baselard.engine.ops.copy import Copy, CopyFiles
from baselard.engine.ops.file import NewDirectory, NewFile, Remove
from baselard.engine.ops.merge import ApplyChanges, Diff
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Output

pytestmark = pytest.mark.root

Model = dict[str, bytes | None]
"""Every path of a tree; directories have no bytes."""


def put(model: Model, path: str, content: bytes | None) -> Model:
    """``model`` with an entry: it replaces what is in the way, and directories lead to it."""
    parents = [path[:place] for place, letter in enumerate(path) if letter == "/"]
    blocked = {path} if content is not None else set()
    blocked |= {parent for parent in [*parents, path] if model.get(parent) is not None}
    kept = {name: old for name, old in model.items() if not any(name == b or name.startswith(b + "/") for b in blocked)}
    return {**kept, **dict.fromkeys(parents), path: content}


def without(model: Model, path: str) -> Model:
    return {name: old for name, old in model.items() if name != path and not name.startswith(path + "/")}


def joined(model: Model, source: Model, at: str) -> Model:
    if at:
        model = put(model, at, None)
    for name, content in sorted(source.items(), key=lambda item: item[0].split("/")):
        model = put(model, f"{at}/{name}" if at else name, content)
    return model


class Chance:
    """One tree in the making, by chance, as operations and as a model."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0

    def path(self) -> str:
        return "/".join(self.random.choices("abc", k=self.random.randrange(1, 4)))

    def tree(self, steps: int) -> tuple[Output, Model]:
        output, model = Output(Scratch()), Model()
        for _ in range(steps):
            output, model = self.step(output, model, steps)
        return output, model

    def step(self, output: Output, model: Model, steps: int) -> tuple[Output, Model]:
        path, kind = self.path(), self.random.randrange(6 if steps > 3 else 3)
        blocked = any(model.get(path[:n]) is not None for n in range(1, len(path)))
        if kind == 0:
            other = self.path()
            return Output(Remove(output, (path, other))), without(without(model, path), other)
        if kind == 1 and not blocked and model.get(path) is None:
            return Output(NewDirectory(output, path)), put(model, path, None)
        if kind in (2, 3) and not blocked and not (path in model and model[path] is None):
            self.count += 1
            content = b"%d" % self.count
            return Output(NewFile(output, path, content)), put(model, path, content)
        if kind == 4 and not blocked:
            source, held = self.tree(3)
            at = path if self.random.random() < 0.7 else ""
            return Output(Copy(output, source, at or "/")), joined(model, held, at)
        if kind == 5 and not blocked:
            return self.copied_file(output, model, path)
        return output, model

    def copied_file(self, output: Output, model: Model, path: str) -> tuple[Output, Model]:
        source, held = self.tree(3)
        files = [name for name, content in held.items() if content is not None]
        if not files:
            return output, model
        name = self.random.choice(files)
        goal = f"{path}/{name.rpartition('/')[2]}" if path in model and model[path] is None else path
        if goal in model and model[goal] is None:
            return output, model
        return Output(CopyFiles(output, (source,), (name,), path)), put(model, goal, held[name])

    def changed(self, output: Output, model: Model) -> tuple[Output, Model]:
        for _ in range(10):
            output, model = self.step(output, model, 10)
        return output, model


def seen(root: Path) -> Model:
    return {
        str(path.relative_to(root)): None if path.is_dir() else path.read_bytes() for path in sorted(root.rglob("*"))
    }


@pytest.mark.parametrize("seeds", [range(25), pytest.param(range(25, 400), marks=pytest.mark.full)], ids=str)
def test_operations_do_what_the_model_says(trees, seeds: range) -> None:
    for seed in seeds:
        chance = Chance(seed)
        output, model = chance.tree(14)
        assert trees.look(output.node, seen) == dict(sorted(model.items())), f"seed {seed}"
        part = Copy(Output(Scratch()), output, "/", selected=Filter(exclude=("b",)))
        assert trees.look(part, seen) == dict(sorted(without(model, "b").items())), f"seed {seed}"
        newer, changed = chance.changed(output, model)
        assert trees.look(ApplyChanges(output, output, newer), seen) == dict(sorted(changed.items())), f"seed {seed}"
        difference = trees.look(Diff(output, newer), seen)
        expected = {name for name, content in changed.items() if name not in model or content != model[name]}
        assert expected <= set(difference) <= {above for name in expected for above in (*paths.above(name), name)}
