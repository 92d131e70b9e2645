"""A session: one client's lifetime with everything that lives as long, and the tokens that lead into it."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

from baselard.engine.api import served
from baselard.engine.api.objects.function_call import Frame
from baselard.engine.api.objects.secrets import SecretStore
from baselard.engine.api.query.context import Context, State
from baselard.engine.run.containers.own_files import Inside
from baselard.engine.run.worker import SessionAddress, Worker
from baselard.engine.solver.evaluate import Evaluator, Flights
from baselard.engine.store.database import Store


@dataclass
class Session:
    """An open session. Every client and every module invocation has a token of its own."""

    state: State
    contexts: dict[str, Context] = field(default_factory=dict)

    def enter(self, frame: Frame | None = None, *, inside: Inside | None = None) -> str:
        """A new token; requests that carry it see ``frame``, the module invocation it is for.

        ``inside`` is the container that it is for.
        """
        token = secrets.token_hex(16)
        self.contexts[token] = Context(self.state, frame, token, inside)
        return token

    @contextlib.contextmanager
    def entered(self, inside: Inside) -> Iterator[str]:
        """A token for the programs of one container, worthless afterwards."""
        token = self.enter(inside=inside)
        try:
            yield token
        finally:
            self.leave(token)

    def leave(self, token: str) -> None:
        """Make a token worthless."""
        self.contexts.pop(token, None)

    def context(self, token: str) -> Context | None:
        """The context of requests with this token; None for a token that is none of this session's."""
        return self.contexts.get(token)

    def listen(self, port: int) -> str:
        """Tell the operations where this session is served; the first client's token comes back."""
        token = self.enter()
        evaluator = self.state.evaluator
        worker = replace(evaluator.worker, session=SessionAddress(port, self.entered))
        self.state.evaluator = replace(evaluator, worker=worker)
        return token


def opened(
    make_worker: Callable[[SecretStore], Worker], *, store: Store, flights: Flights, executor: Executor, workdir: Path
) -> Session:
    """A new session for a client whose paths are relative to ``workdir``.

    ``make_worker`` bundles the tools for operations around this session's secrets. ``flights`` and ``executor`` are
    the process's, so that sessions share work.
    """
    known = SecretStore(workdir, _salt(store.root / "secrets.salt"))
    worker = make_worker(known)
    evaluator = Evaluator(store, flights, worker, worker.progress, executor)
    return Session(State(evaluator, workdir, known, served.core()))


def _salt(path: Path) -> bytes:
    """This store's own salt for the hashes that stand for secrets in keys, made at first need."""
    if not path.exists():
        new = path.with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600)
        new.write_bytes(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(new)  # whoever is first decides
        new.unlink()
    return path.read_bytes()
