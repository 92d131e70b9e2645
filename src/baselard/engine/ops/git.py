"""A commit of a git repository as a tree."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from baselard.engine.files import git_directory
from baselard.engine.host import git
from baselard.engine.host.git_command import Access
from baselard.engine.ops import credentials
from baselard.engine.ops.copy import opened
from baselard.engine.ops.tree import TreeOperation, from_nothing, one
from baselard.engine.run.containers.command import BoundService, SecretRef
from baselard.engine.run.services import own
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import deep, stamps


@dataclass(frozen=True)
class Remote:
    """A repository: a URL and how it is spoken to, or (``source``) a directory that is one."""

    url: str = ""
    username: str = ""
    token: SecretRef | None = None
    header: SecretRef | None = None
    agent: str = ""
    known_hosts: str = ""
    source: Output | None = None
    source_path: str = "/"
    host: BoundService | None = None

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The means to speak to it: the directory, or what the service needs that the URL leads to."""
        if self.source:
            return (self.source,)
        return self.host.inputs if self.host else ()

    @contextlib.contextmanager
    def reached(self, worker: Worker, values: Sequence[Value]) -> Iterator[Access]:
        """How it is spoken to inside the block, ``values`` being those of ``inputs``; its service is up meanwhile."""
        if self.source:
            with opened(worker, values[0], self.source_path) as (source, _):
                yield self.access(worker, source.root)
            return
        with own.asked(worker, self.host, values) as names:
            yield replace(self.access(worker, self.url), names=names, inside=worker.network.inside)

    def access(self, worker: Worker, url: str) -> Access:
        """How ``url``, which is its own or the place of its directory, is spoken to.

        Raises UserError when the session does not have the secrets, or the directory's repository leads out of it.
        """
        token = credentials.password(worker.secrets.plaintext(self.token.handle)) if self.token else ""
        header = credentials.header(worker.secrets.plaintext(self.header.handle)) if self.header else ""
        place = git_directory.of(url, self.source_path) if self.source else url
        return Access(
            place, self.username, token, header, self.agent, self.known_hosts, strange=self.source is not None
        )


@dataclass(frozen=True)
class GitTree(TreeOperation):
    """The files of ``ref``, a commit or any name that leads to one; submodules are there as well.

    ``nonce`` tells apart when a name was looked up that may lead elsewhere later. With ``keep`` the repository
    itself comes along, with a history of ``depth`` commits (0: all of it).
    """

    tag: ClassVar[str] = "git.v1"
    url: str
    ref: str
    keep: bool = True
    depth: int = 1
    tags: bool = False
    nonce: str = ""
    subdirectory: str = "/"
    source: Output | None = None
    remote: Remote = field(compare=False, default_factory=Remote)

    @property
    def inputs(self) -> tuple[Output, ...]:
        return (self.source,) if self.source else self.remote.inputs

    @property
    def label(self) -> str:
        return f"git {self.url or self.subdirectory} {self.ref}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Fetch it. Raises UserError with git's own words."""
        with from_nothing(worker) as draft:
            remote = replace(self.remote, url=self.url, source=self.source, source_path=self.subdirectory)
            with remote.reached(worker, inputs) as access:
                committed = self._check_out(access, draft.path)
            stamps.put_all(draft.path, committed)
            return one(self._digest([value.digest for value in inputs]), draft.commit())

    def _check_out(self, access: Access, into: Path) -> int:
        """Have the commit; when it was made, in nanoseconds, which becomes the time of all files."""
        git.check_out(access, self.ref, into=into, depth=self.depth, tags=self.tags)
        committed = int(git.output(("show", "--no-patch", "--format=%ct", "HEAD"), access, cwd=into)) * 10**9
        if self.keep:
            git.make_repeatable(access, self.url or self.subdirectory, into=into)
        else:
            _discard(into)
        return committed


def _discard(root: Path) -> None:
    """Remove the repository, and what submodules have in place of one."""
    for directory, directories, files in deep.walk(root):
        if ".git" in files:
            (Path(directory) / ".git").unlink()
        if ".git" in directories:
            directories.remove(".git")
            deep.remove(Path(directory) / ".git")
