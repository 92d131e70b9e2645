"""Changes of one tree over another (Directory.diff), and putting such changes into a third (Directory.withChanges)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from baselard.engine.files import differences, paths
from baselard.engine.files.copying import Copier, CopyTarget
from baselard.engine.files.treehash import EMPTY
from baselard.engine.ops.copy import opened
from baselard.engine.ops.tree import TreeOperation, on_top, one
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Result, Value


@dataclass(frozen=True)
class Diff(TreeOperation):
    """A tree with what the directory ``newer_path`` of ``newer`` holds otherwise than ``older_path`` of ``older``.

    What is only in the older one leaves no trace, as with Directory.diff.
    """

    tag: ClassVar[str] = "diff.v2"
    older: Output
    newer: Output
    older_path: str = "/"
    newer_path: str = "/"

    @property
    def label(self) -> str:
        return f"diff {self.newer_path}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Compare and copy. Raises UserError when a path is not there."""
        older, newer = inputs
        made = self._digest([older.digest, newer.digest])
        with (
            on_top(worker, Value(EMPTY)) as (draft, target),
            opened(worker, older, self.older_path) as (before, _),
            opened(worker, newer, self.newer_path) as (after, _),
        ):
            found = differences.between(before.root, after.root)
            changed = differences.with_parents(found.added + found.modified, after.root)
            Copier(after, target).tree(changed, "")
            return one(made, draft.commit())


@dataclass(frozen=True)
class ApplyChanges(TreeOperation):
    """``dest`` with the changes from ``older`` to ``newer`` made in its directory ``path``, removals too."""

    tag: ClassVar[str] = "applychanges.v2"
    dest: Output
    older: Output
    newer: Output
    path: str = "/"
    older_path: str = "/"
    newer_path: str = "/"

    @property
    def label(self) -> str:
        return f"apply changes to {self.path}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Compare, copy, remove. Raises UserError when a path is not there."""
        dest, older, newer = inputs
        with (
            on_top(worker, dest) as (draft, target),
            opened(worker, older, self.older_path) as (before, _),
            opened(worker, newer, self.newer_path) as (after, _),
        ):
            found = differences.between(before.root, after.root)
            goal = target.resolve(self.path)
            target.make_parents(goal)
            target.make_directory(goal)
            for entry in found.removed:
                _drop(target, paths.clean(f"{goal}/{entry.path}"))
            changed = differences.with_parents(found.added + found.modified, after.root)
            Copier(after, target).tree(changed, goal)
            return one(self._digest([value.digest for value in inputs]), draft.commit())


def _drop(target: CopyTarget, path: str) -> None:
    """Remove ``path`` if the tree has it, and has it there rather than behind a link."""
    seen = target.seen()
    if paths.resolve_parent(seen, path) == path and paths.mode(paths.under(seen, path)):
        target.make_parents(path)
        target.white_out(path)
