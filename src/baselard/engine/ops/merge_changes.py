"""The changes of several changesets in one tree (Changeset.withChangeset), merged by the host's git."""

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

from baselard.engine.errors import UserError
from baselard.engine.host import process
from baselard.engine.ops.patch import ALONE, patch_text
from baselard.engine.ops.tree import TreeOperation, one, snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import stamps

_WHO = {f"GIT_{who}_{what}": "baselard" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
_OURS, _THEIRS = 2, 3  # the stages of a conflict in git's index
_SIDES = {_OURS: "--ours", _THEIRS: "--theirs"}


@dataclass(frozen=True)
class MergeChanges(TreeOperation):
    """``base`` with all ``patches`` (trees that MakePatch made) merged, as git merges branches; the first are ours.

    ``prefer`` says what becomes of conflicts of two: "" fails, "ours" and "theirs" take that side, "markers" leaves
    both in the file, and what one side changed where the other removed it.
    """

    tag: ClassVar[str] = "mergechanges.v1"
    base: Output
    patches: tuple[Output, ...]
    prefer: str = ""

    @property
    def label(self) -> str:
        return f"merge {len(self.patches)} changesets"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Merge all or nothing. Raises UserError with git's reason when the changes do not go together."""
        base, *patches = inputs
        parent = snapshot_of(base)
        with (
            worker.store.temp_dir() as home,
            worker.snapshots.draft(parent) as draft,
            worker.snapshots.view(parent) as below,
        ):
            began = stamps.began(draft.upper)
            draft.settle = lambda: stamps.settle(draft.upper, began, below)
            _merge(_Repository(home, draft.path), worker, patches, self.prefer)
            return one(self._digest([value.digest for value in inputs]), draft.commit())


@dataclass(frozen=True)
class _Repository:
    """A repository apart from the tree that it is of, so that nothing of it is left there."""

    home: Path
    tree: Path

    def run(self, *words: str, stdin: process.Input = b"", check: bool = True) -> process.Completed:
        own = {"GIT_DIR": str(self.home / "git"), "GIT_WORK_TREE": str(self.tree), "PATH": os.defpath}
        done = process.run(("git", *words), cwd=self.tree, env={**ALONE, **_WHO, **own}, stdin=stdin, check=False)
        if done.code and check:
            said = (done.stderr + done.stdout).decode(errors="replace").strip()
            raise UserError(f"git {words[0]}: exit status {done.code}: {said}")
        return done

    def commit(self, name: str) -> None:
        self.run("add", "--all", "--force")
        self.run("commit", "--quiet", "--allow-empty", "-m", name)

    def conflicts(self) -> dict[str, set[int]]:
        """The paths that both sides changed, each with the stages it has."""
        found: dict[str, set[int]] = {}
        for line in filter(None, os.fsdecode(self.run("ls-files", "--unmerged", "-z").stdout).split("\0")):
            facts, _, path = line.partition("\t")
            found.setdefault(path, set()).add(int(facts.split()[2]))
        return found


def _merge(repository: _Repository, worker: Worker, patches: Sequence[Value], prefer: str) -> None:
    repository.run("init", "--quiet", "-b", "base")
    repository.commit("base")
    names = itertools.chain(("ours", "theirs"), map("theirs-{}".format, itertools.count(2)))
    branches = []
    for name, patch in zip(names, patches, strict=False):
        with patch_text(worker, patch) as text:
            branches.append(_branch(repository, name, text))
    repository.run("checkout", "--quiet", branches[0])
    solve = ("-X", prefer) if prefer in ("ours", "theirs") else ()
    repository.run("merge", "--quiet", "--no-edit", "--no-commit", *solve, *branches[1:], check=not prefer)
    for path, stages in repository.conflicts().items():
        _resolve(repository, path, stages, prefer)


def _branch(repository: _Repository, name: str, patch: IO[bytes]) -> str:
    repository.run("checkout", "--quiet", "-b", name, "base")
    repository.run("apply", "--allow-empty", "--whitespace=nowarn", "-", stdin=patch)
    repository.commit(name)
    return name


def _resolve(repository: _Repository, path: str, stages: set[int], prefer: str) -> None:
    """Where one side removed what the other changed: take a side, the changed one if none is preferred."""
    there = stages & {_OURS, _THEIRS}
    if len(there) > 1:
        return  # git has left both in the file
    side = {"ours": _OURS, "theirs": _THEIRS}.get(prefer, *there)
    if side in there:
        repository.run("checkout", "--quiet", _SIDES[side], "--", path)
    else:
        repository.run("rm", "--quiet", "--force", "--", path)
