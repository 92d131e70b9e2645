"""The request that a resolver serves."""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from baselard.engine.api.objects.function_call import Frame
from baselard.engine.api.objects.reachable import Step
from baselard.engine.api.objects.secrets import SecretStore
from baselard.engine.api.objects.typedef import Module
from baselard.engine.api.query.ids import Ids
from baselard.engine.errors import UserError, told
from baselard.engine.ops.tree import snapshot_of
from baselard.engine.run.containers.own_files import Inside
from baselard.engine.run.worker import Worker
from baselard.engine.solver import cancel
from baselard.engine.solver.evaluate import Evaluator
from baselard.engine.solver.graph import Node, Output, Result, Value
from baselard.oci.text import JSON

Answer = TypeVar("Answer")


class Modules(Protocol):
    """The modules of one session (baselard.engine.modules.hosting)."""

    def fetch(self, reference: str) -> Path | None:
        """Where a repository's module was checked out; None for what names no repository. Raises UserError."""

    def place(self, name: str) -> Path:
        """A directory for a module that is none yet, the same for the same name, gone with the session."""

    async def load(self, root: Path) -> Module:
        """The module whose dagger.json is in ``root``. Raises UserError when it cannot be had."""

    async def run(self, module: Module, steps: Sequence[Step]) -> JSON:
        """The value of the last of ``steps``, which begin with the constructor. Raises what the functions raise."""


class OtherSessions(Protocol):
    """Objects that outlive their session (baselard.engine.api.more.kept)."""

    def keep(self, given: str, value: object) -> None:
        """Have ``find`` know the object behind an ID, if it is of a kind that needs no session, once it is settled."""

    def settle(self) -> None:
        """Have other processes know what was kept."""

    def find(self, given: str) -> object | None:
        """The object behind an ID of another session; None where none was kept."""


class Schema(Protocol):
    """The API that a session serves (baselard.engine.api.query.api)."""

    def load(self) -> None:
        """Have at hand what answering needs."""

    def introspection(self, query: str, root: Path) -> bytes | None:
        """The response to a query that asks for nothing but the schema; None for any other."""

    def described(self) -> bytes:
        """The whole schema, as introspection tells it."""

    async def answer(
        self,
        ctx: "Context",
        query: str,
        variables: Mapping[str, JSON] | None = None,
        operation: str | None = None,
        root: Path | None = None,
    ) -> Mapping[str, JSON]:
        """The response's ``data``. Raises InvalidQuery, FieldError."""


@dataclass
class State:
    """The state that clients and module invocations of one session share.

    ``host_seen`` holds what was looked up outside once for all of it; ``nonce`` is in the keys of what is looked up
    again in every session; ``fresh``, if any, is in the keys of commands, so that none is a recorded one.
    ``workspace_modules`` says that the client wants those of its workspace. ``kept`` is what other sessions' objects
    are found by, if they are.
    """

    evaluator: Evaluator
    workdir: Path
    secrets: SecretStore
    api: Schema
    modules: Modules | None = None
    ids: Ids = field(default_factory=Ids)
    host_seen: dict[tuple[str, object], Any] = field(default_factory=dict)
    workspace_modules: bool = False
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))
    fresh: str = ""
    kept: OtherSessions | None = None

    @property
    def worker(self) -> Worker:
        """The tools of this session's operations."""
        worker: Worker = self.evaluator.worker
        return worker


@dataclass(frozen=True)
class Context:
    """One client of a session, known by its token.

    ``frame`` is the module invocation it is, or None; ``inside`` the container whose program it is, or None.
    """

    session: State
    frame: Frame | None = None
    client: str = ""
    inside: Inside | None = None

    async def value(self, output: Output) -> Value:
        """Evaluate one output. Raises what the operations raise."""
        return await self.session.evaluator.value(output)

    async def result(self, node: Node) -> Result:
        """Evaluate a node."""
        return await self.session.evaluator.result(node)

    async def look(self, output: Output, question: Callable[[Path], Answer]) -> Answer:
        """The answer of ``question`` about the tree that ``output`` makes. Raises what either raises."""
        value = await self.value(output)
        return await self.in_thread(_look, self.session.worker, value, question)

    async def in_thread(self, work: Callable[..., Answer], *arguments: object) -> Answer:
        """Run blocking work off the event loop; it is called off when the client goes away."""
        with told():
            return await cancel.in_thread(self.session.evaluator.executor, work, *arguments)

    @property
    def modules(self) -> Modules:
        """The session's modules. Raises UserError where a session is for registration alone."""
        if self.session.modules is None:
            raise UserError("modules cannot be loaded while a module is registered")
        return self.session.modules

    @property
    def namespace(self) -> str:
        """Whose names secrets and cache volumes are known by: a module's, or the main client's."""
        return (self.frame and self.frame.module_name) or "mainClient"

    def host_path(self, path: str) -> str:
        """The absolute path that a client means by ``path``, seen from the session's working directory.

        Raises UserError inside a container.
        """
        self.need_machine(f"the path {path}")
        return os.path.normpath(self.session.workdir / os.path.expanduser(path))

    def need_machine(self, what: str) -> None:
        """Raise UserError where this machine is not the client's, since that is a program inside a container."""
        if self.inside:
            raise UserError(
                f"{what} is not to be had inside a container: experimentalPrivilegedNesting gives the API, not the "
                "machine; pass it to the container from outside"
            )

    def id(self, value: object) -> str:
        """The ID of an object, which other sessions get to know where this session's client asks for it itself."""
        given = self.session.ids.give(value)
        if self._kept:
            self._kept.keep(given, value)
        return given

    def load(self, given: str, expected: str = "", *, implementers: frozenset[str] = frozenset()) -> object:
        """The object behind an ID (``Ids.load``), of another session too where this is a client of its own."""
        ids = self.session.ids
        if given not in ids.objects and self._kept and (found := self._kept.find(given)) and ids.name(found) == given:
            ids.give(found)
        return ids.load(given, expected, implementers=implementers)

    def settle(self) -> None:
        """Have other sessions know the objects of all IDs that were given out; to be called before the client does."""
        if self._kept:
            self._kept.settle()

    @property
    def _kept(self) -> OtherSessions | None:
        return None if self.frame or self.inside else self.session.kept


def _look(worker: Worker, value: Value, question: Callable[[Path], Answer]) -> Answer:
    with worker.snapshots.view(snapshot_of(value)) as root:
        return question(root)
