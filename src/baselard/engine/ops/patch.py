"""Patches as git writes and reads them: Changeset.asPatch, Directory.withPatch. The host's git does the work."""

import contextlib
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

from baselard.engine.errors import ProcessError, UserError
from baselard.engine.files import paths, reading
from baselard.engine.host import process
from baselard.engine.ops.copy import opened
from baselard.engine.ops.tree import TreeOperation, from_nothing, one, snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import mounting, stamps

PATCH = "/diff.patch"
"""Where MakePatch leaves its file."""

_BIND = 0x1000  # MS_BIND, mount(2)
ALONE = {  # neither this machine's settings nor those of a repository that the tree holds
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_DIR": "/dev/null",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class MakePatch(TreeOperation):
    """A tree with one file, the changes from one directory to another as a patch in git's format."""

    tag: ClassVar[str] = "makepatch.v1"
    older: Output
    newer: Output
    older_path: str = "/"
    newer_path: str = "/"

    @property
    def label(self) -> str:
        return f"patch from {self.older_path} to {self.newer_path}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Compare. Raises UserError when a path is not there, HostError without git."""
        older, newer = inputs
        text = compared(worker, (older, self.older_path), (newer, self.newer_path), "--binary")
        with from_nothing(worker) as draft:
            (draft.path / PATCH.lstrip("/")).write_bytes(text)
            return one(self._digest([older.digest, newer.digest]), draft.commit())


@dataclass(frozen=True)
class ApplyPatch(TreeOperation):
    """``dest`` with the patch file ``patch_path`` of ``patch`` applied to its directory ``path``."""

    tag: ClassVar[str] = "applypatch.v1"
    dest: Output
    patch: Output
    patch_path: str
    path: str = "/"

    @property
    def label(self) -> str:
        return f"apply patch {self.patch_path}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Apply all of it or nothing. Raises UserError with git's reason when it does not fit."""
        dest, patch = inputs
        parent = snapshot_of(dest)
        with (
            patch_text(worker, patch, self.patch_path) as text,
            worker.snapshots.draft(parent) as draft,
            worker.snapshots.view(parent) as below,
        ):
            began = stamps.began(draft.upper)
            draft.settle = lambda: stamps.settle(draft.upper, began, below)
            target = paths.under(draft.path, paths.resolve(draft.path, self.path))
            if not stat.S_ISDIR(paths.mode(target)):
                raise UserError(f"{self.path}: no such directory to apply a patch to")
            _apply(text, Path(target))
            return one(self._digest([value.digest for value in inputs]), draft.commit())


def compared(worker: Worker, older: tuple[Value, str], newer: tuple[Value, str], *options: str) -> bytes:
    """The output of ``git diff`` about two directories; names in it begin with ``a/`` and ``b/``."""
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(worker.store.temp_dir())
        for name, (value, path) in (("a", older), ("b", newer)):
            source, entry = stack.enter_context(opened(worker, value, path))
            if not stat.S_ISDIR(entry.info.st_mode):
                raise UserError(f"path {path} is a file, not a directory")
            stack.enter_context(_bound(source.root, home / name))
        quiet = ("--no-index", "--no-prefix", "--no-ext-diff", "--no-textconv", "--no-color")
        done = process.run(("git", "diff", *quiet, *options, "--", "a", "b"), cwd=home, env=_environment(), check=False)
    if done.code > 1:
        raise ProcessError(done.argv, done.code, done.stderr + done.stdout)
    return done.stdout


@contextlib.contextmanager
def _bound(source: str, target: Path) -> Iterator[None]:
    """See a directory under another name."""
    target.mkdir()
    mounting.mount(source, target, "", _BIND)
    try:
        yield
    finally:
        mounting.unmount(target)


@contextlib.contextmanager
def patch_text(worker: Worker, patch: Value, path: str = PATCH) -> Iterator[IO[bytes]]:
    """The patch file at ``path``, however large it is. Raises UserError when there is none."""
    with opened(worker, patch, path) as (source, entry):  # noqa: SIM117 -- one line is too long for both
        with open(reading.file(Path(source.root), entry.path), "rb") as text:
            yield text


def _apply(text: IO[bytes], directory: Path) -> None:
    command = ("git", "apply", "--allow-empty", "--whitespace=nowarn", "-")
    environment = {**_environment(), "GIT_CEILING_DIRECTORIES": str(directory.parent)}
    done = process.run(command, cwd=directory, env=environment, stdin=text, check=False)
    if done.code:
        raise UserError(f"git apply: exit status {done.code}: {done.stderr.decode(errors='replace').strip()}")


def _environment() -> dict[str, str]:
    return {**ALONE, "PATH": "/usr/local/bin:/usr/bin:/bin"}
