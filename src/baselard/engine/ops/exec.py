"""Run a program in a container: output 0 is the root file system afterwards, then one for each writable mount."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, cast

from baselard.engine.errors import ExecError, UserError
from baselard.engine.files import inside, selection
from baselard.engine.host.process import STDERR
from baselard.engine.run import interactive, quota, sandbox
from baselard.engine.run.containers import streams as runtime_streams
from baselard.engine.run.containers import stubs
from baselard.engine.run.containers.command import BindMount, Command, Mount, SecretMount
from baselard.engine.run.containers.runtime import OciContainer
from baselard.engine.run.containers.streams import Capture
from baselard.engine.run.containers.stubs import Touched, unchanged
from baselard.engine.run.sandbox import Sandbox
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store.snapshots import Draft

_NOT_STARTED = (126, 127)  # tini(1)
_FATAL = re.compile(r"^\[FATAL tini \([0-9]+\)\] exec .* failed: .*\n\Z", re.MULTILINE)
_LAST_LINES = 20  # of each stream, for who looks around where a command failed


class Expect(StrEnum):
    """Which exit codes are no failure (Dagger's ReturnType)."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    ANY = "ANY"

    def allows(self, code: int) -> bool:
        """128 to 191 always fail: there a signal ended the program, or the runtime could not start it."""
        if self is Expect.SUCCESS:
            return code == 0
        return not 128 <= code < 192 and (code != 0 or self is Expect.ANY)


@dataclass(frozen=True)
class Exec:
    """One program's run. ``data``: ``exit`` and the blobs ``stdout``, ``stderr``, ``combined``.

    Redirects are absolute paths in the container, or "". ``fresh`` tells a session's commands from recorded ones.
    Raises ExecError for an exit code that ``expect`` rules out.
    """

    command: Command
    stdin: str = ""
    redirect_stdin: str = ""
    redirect_stdout: str = ""
    redirect_stderr: str = ""
    expect: Expect = Expect.SUCCESS
    fresh: str = ""
    cached: bool = True
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self._key(self.command))

    @property
    def inputs(self) -> tuple[Output, ...]:
        return self.command.inputs

    @property
    def label(self) -> str:
        return "exec " + " ".join(self.command.args)

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str | None:
        """The key with the content's digests in the place of the inputs' keys."""
        return self._key(_with_content(worker, self.command, inputs))

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Run it. A tree that the program left as it was comes out as the very value that went in."""
        show = partial(worker.progress.output, self.key)
        with sandbox.prepared(worker, self.command, inputs) as box, ExitStack() as stack:
            secrets, most = runtime_streams.scrubbable(box.secrets), box.spec.limits.output
            capture = stack.enter_context(Capture(worker.store, show, secrets, most))
            outputs = [_Made(draft, value) for draft, value in zip(box.drafts, self._carried(inputs), strict=True)]
            stdin = self._stdin(box, stack)
            with box.stubs_removed() as touched:
                code = _ran(worker, box, stdin, capture)
            streams = capture.finish()
            code = self._as_dagger_ends(worker, code, streams)
            self._check(worker, box, code, streams)
            self._redirect(worker, box, streams)
            values = tuple(made.value(f"{self.key}#{index}", touched) for index, made in enumerate(outputs))
        return Result(values, {"exit": code, **streams})

    def _key(self, command: Command) -> str:
        redirects = (self.redirect_stdin, self.redirect_stdout, self.redirect_stderr)
        return digest.of("exec.v1", command, self.stdin, redirects, self.expect, *filter(None, [self.fresh]))

    def _carried(self, inputs: Sequence[Value]) -> list[Value]:
        """The values that come out again: the root file system's and those of writable mounts."""
        sources = dict(zip(map(id, self.command.sourced), inputs[1:], strict=False))
        return [inputs[0], *(sources[id(mount)] for mount in self.command.writable)]

    def _stdin(self, box: Sandbox, stack: ExitStack) -> bytes | IO[bytes]:
        if not self.redirect_stdin:
            return self.stdin.encode("utf-8", "surrogateescape")
        try:
            return stack.enter_context(open(inside.file(*box.locate(self.redirect_stdin)), "rb"))
        except (OSError, UserError) as error:
            raise UserError(f"redirectStdin: {self.redirect_stdin} is not a file in the container") from error

    def _as_dagger_ends(self, worker: Worker, code: int, streams: Mapping[str, str]) -> int:
        """The exit code, which is 1 on a Dagger engine where the init could not start the program."""
        if code not in _NOT_STARTED or self.command.no_init:
            return code
        said = runtime_streams.tail(worker.store.blob_path(streams["stderr"]))
        return 1 if _FATAL.search(said) else code

    def _check(self, worker: Worker, box: Sandbox, code: int, streams: Mapping[str, str]) -> None:
        if not self.expect.allows(code):
            worker.services.show_logs(worker, self.key, self.command.bindings)
            texts = [runtime_streams.tail(worker.store.blob_path(streams[name])) for name in ("stdout", "stderr")]
            if shell := worker.terminal.on_failure:
                last = [line for text in texts for line in text.splitlines()[-_LAST_LINES:]]
                self._inspect(worker, box, shell, "\n".join([*last, f"{self.label}: exit code {code}"]))
            raise ExecError(self.command.args, code, *texts)

    def _inspect(self, worker: Worker, box: Sandbox, shell: tuple[str, ...], why: str) -> None:
        """Let the user look around where the command failed; that this cannot be is not what the step failed for."""
        try:
            interactive.attach(worker, box, shell, f"{why}\n{' '.join(shell)} in its container; leave it to go on")
        except UserError as error:
            worker.progress.output(self.key, STDERR, f"{' '.join(shell)}: {error}\n".encode())

    def _redirect(self, worker: Worker, box: Sandbox, streams: Mapping[str, str]) -> None:
        """Put the captured streams into files of the container; one file for both gets them combined."""
        wanted = {self.redirect_stderr: "stderr", self.redirect_stdout: "stdout"}
        if self.redirect_stdout == self.redirect_stderr:
            wanted = {self.redirect_stdout: "combined"}
        secrets = {mount.target for mount in self.command.mounts if isinstance(mount, SecretMount)}
        for target, name in wanted.items():
            if target in secrets:
                raise UserError(f"redirect: {target} is a secret, which no command writes: read-only file system")
            if target:
                _place(worker.store.blob_path(streams[name]), box, target)


def _ran(worker: Worker, box: Sandbox, stdin: bytes | IO[bytes], capture: Capture) -> int:
    with quota.watched(box.written, box.spec.limits.disk) as watch:

        def began(container: OciContainer) -> None:
            box.inside.started(container)
            watch.container = container

        code = worker.runtime.run(box.spec, stdin=stdin, on_output=capture.feed, on_start=began)
    watch.check()
    return code


@dataclass(frozen=True)
class _Made:
    """A draft in use, with the value it began as."""

    draft: Draft
    began: Value
    status: os.stat_result = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", os.stat(self.draft.upper))

    def value(self, name: str, touched: Touched) -> Value:
        """The result: the same value if nothing changed, else a new snapshot called ``name``."""
        if self.draft.path != self.draft.upper:
            stubs.prune(self.draft.path, self.draft.upper, touched)
        if not os.listdir(self.draft.upper) and unchanged(self.status, os.stat(self.draft.upper)):
            return self.began
        return Value(digest.of("exec.tree.v1", name), self.draft.commit())


def _place(blob: Path, box: Sandbox, target: str) -> None:
    owner = (box.spec.user.uid, box.spec.user.gid)
    try:
        with (
            inside.new_file(*box.locate(target), owner, 0o600) as made,
            open(made, "wb", closefd=False) as file,
            blob.open("rb") as source,
        ):
            shutil.copyfileobj(source, file)
    except UserError as error:
        raise UserError(f"redirect: {target} cannot be written in the container: {error}") from error


def _with_content(worker: Worker, command: Command, inputs: Sequence[Value]) -> Command:
    """The command with each input named by its content instead of the way it came about."""
    contents = dict(zip(map(id, command.sourced), inputs[1:], strict=False))
    mounts = [
        replace(mount, source=_seen(worker, mount, contents[id(mount)]))  # type: ignore[arg-type]
        if id(mount) in contents
        else mount
        for mount in command.mounts
    ]
    return replace(command, rootfs=_standing_for(inputs[0].digest), mounts=tuple(mounts))


def _seen(worker: Worker, mount: Mount, value: Value) -> Output:
    """A mount's source by its content; of a part that is only read, by that part alone.

    What is written goes into the outputs with all of the tree around it, so there all of it counts.
    """
    if isinstance(mount, BindMount) and mount.readonly and mount.subpath != "/":
        return _standing_for(selection.digest_of(worker.snapshots, value, mount.subpath))
    return _standing_for(value.digest)


@dataclass(frozen=True)
class _Named:
    """Stands for an output in a key."""

    key: str


def _standing_for(content: str) -> Output:
    return cast(Output, _Named(content))  # a key is all that it is asked for
