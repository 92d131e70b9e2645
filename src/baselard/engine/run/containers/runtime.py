"""Containers by the OCI runtime runc: one program, from its configuration to its exit code."""

import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from baselard.engine.errors import HostError, UserError
from baselard.engine.host import process
from baselard.engine.host.process import Input, OnOutput
from baselard.engine.host.rundir import RunDir
from baselard.engine.run.containers import cgroups, runtime_spec
from baselard.engine.run.containers.runtime_spec import Spec

_INITS = ("/usr/bin/tini-static", "/usr/libexec/docker/docker-init")
_MORTAL = ("setpriv", "--pdeathsig", "KILL", "--")  # util-linux


@dataclass(frozen=True)
class Runtime:
    """Runs containers whose state lives below ``run_dir``, so that a later process can remove what this one left."""

    run_dir: RunDir

    def run(
        self,
        spec: Spec,
        *,
        stdin: Input = b"",
        on_output: OnOutput,
        on_start: "Callable[[RuncContainer], None] | None" = None,
    ) -> int:
        """Run a container to its end; gives the program's exit code (128 + N when signal N ended it).

        ``on_start`` is handed the container just before, so that another thread can signal it.
        Raises UserError when it cannot be started, HostError when something is missing on this machine, Cancelled
        when the work is called off. Nothing of it is left in any case.
        """
        with self.container(spec) as container:
            if on_start:
                on_start(container)
            completed = process.run(container.argv, stdin=stdin, on_output=on_output, check=False)
            container.check()
            return completed.code if completed.code >= 0 else 128 - completed.code

    def attach(self, spec: Spec, terminal: int, *, on_start: "Callable[[RuncContainer], None]") -> None:
        """Run a container whose program has ``terminal`` (a file descriptor), until it ends, whatever its exit code.

        ``on_start`` is handed the container just before. Raises as ``run`` does.
        """
        with self.container(spec) as container:
            on_start(container)
            process.attach(container.argv, terminal)
            container.check()

    @contextlib.contextmanager
    def container(self, spec: Spec) -> "Iterator[RuncContainer]":
        """A container to be run; it and its state are gone afterwards, whatever happened."""
        if not (program := process.which("runc")):
            raise HostError("the OCI runtime runc is not installed; apt-get install runc")
        bundle = Path(tempfile.mkdtemp(dir=self.run_dir.in_memory, prefix=f"{self.run_dir.name}-"))
        name = bundle.name  # unique on this machine
        container = RuncContainer(name, bundle, self.run_dir.path / "runc", program)
        try:
            (bundle / "config.json").write_text(json.dumps(runtime_spec.config(spec, cgroups.path(name))))
            yield container
        finally:
            container.remove()
            shutil.rmtree(bundle, ignore_errors=True)


@dataclass(frozen=True)
class RuncContainer:
    """One container: its runc state is ``root/name``, gone when it ended by itself."""

    name: str
    bundle: Path
    root: Path
    program: str

    @property
    def argv(self) -> list[str]:
        """The command that runs it to its end, and that dies with the engine."""
        log = ("--log-format", "json", "--log", str(self._log))
        return [*_MORTAL, *self._runc, *log, "run", "--bundle", str(self.bundle), self.name]

    @property
    def pid(self) -> int:
        """The number of its first process on this machine, as runc wrote it down; 0 while there is none."""
        try:
            state = json.loads((self.root / self.name / "state.json").read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return 0
        return int(state["init_process_pid"])

    def signal(self, number: int) -> bool:
        """Send a signal to its first process; whether there was one."""
        return process.run_regardless([*self._runc, "kill", self.name, str(number)]).code == 0

    def runs(self) -> bool:
        """Whether it has been made and its program started; it may have ended since."""
        found = process.run_regardless([*self._runc, "state", self.name]).stdout
        return bool(found) and json.loads(found)["status"] not in ("creating", "created")

    def execute(self, args: Sequence[str], spec: Spec, *, timeout: float, on_output: OnOutput) -> int:
        """Run one more program inside, with the user and variables of ``spec``; its exit code.

        It is -1 after ``timeout`` seconds, when the program is killed, and when the container has ended meanwhile.
        """
        number = self.bundle / "exec.pid"
        try:
            number.unlink(missing_ok=True)
            told = ("--pid-file", str(number), "--process", str(self._process(args, spec)))
            argv = [*self._runc, "exec", *told, self.name]
            return process.run(argv, check=False, timeout=timeout, on_output=on_output).code
        except TimeoutError:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int(number.read_text()), signal.SIGKILL)
            return -1
        except FileNotFoundError:
            return -1

    def _process(self, args: Sequence[str], spec: Spec) -> Path:
        path = self.bundle / "exec.json"
        path.write_text(json.dumps(runtime_spec.process(replace(spec, args=tuple(args), init=""))))
        return path

    def check(self) -> None:
        """Raise UserError if runc itself, not the program, had something to complain about."""
        if not self._log.exists():
            return
        entries = [json.loads(line) for line in self._log.read_text().splitlines()]
        errors = [entry["msg"] for entry in entries if entry.get("level") in ("error", "fatal")]
        if errors:
            raise UserError(f"the container cannot be started: {errors[-1]}")

    def remove(self) -> None:
        """End what is left of it: processes, control groups, state."""
        if (self.root / self.name).exists():
            process.run_regardless([*self._runc, "delete", "--force", self.name])
            cgroups.end(self.name)  # a runtime that was killed while it made them has not written down that it did

    @property
    def _runc(self) -> tuple[str, ...]:
        return (self.program, "--root", str(self.root))

    @property
    def _log(self) -> Path:
        return self.bundle / "runc.log"


def init_program() -> str:
    """The static init that containers get as process 1. Raises HostError when none is installed."""
    for path in _INITS:
        if Path(path).exists():
            return path
    raise HostError("no static init is installed (/usr/bin/tini-static); apt-get install tini")


def remove_abandoned(run_dir: RunDir) -> None:
    """End the containers that a dead process left in its directory."""
    program = process.which("runc")
    for state in (run_dir.path / "runc").glob("*"):
        if program:
            RuncContainer(state.name, run_dir.path, state.parent, program).remove()
