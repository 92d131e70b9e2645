"""Containers by an OCI runtime: one program, from its configuration to its exit code."""

import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from baselard.engine.errors import HostError, UserError
from baselard.engine.host import process
from baselard.engine.host.process import STDERR, Input, OnOutput
from baselard.engine.host.rundir import RunDir
from baselard.engine.run.containers import cgroups, runtime_spec, runtimes, standard_input
from baselard.engine.run.containers.runtime_spec import Spec
from baselard.engine.run.containers.runtimes import Program

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
        on_start: "Callable[[OciContainer], None] | None" = None,
    ) -> int:
        """Run a container to its end; gives the program's exit code (128 + N when signal N ended it).

        ``on_start`` is handed the container just before, so that another thread can signal it.
        Raises UserError when it cannot be started, HostError when something is missing on this machine, Cancelled
        when the work is called off. Nothing of it is left in any case.
        """
        with standard_input.piped(stdin) as end, self.container(spec) as container:
            if on_start:
                on_start(container)
            words = _Words(container, on_output)
            completed = process.run(container.argv, stdin=end, on_output=words.hear, check=False)
            words.end()
            if not words.heard and container.instead():
                completed = process.run(container.argv, stdin=end, on_output=on_output, check=False)
                container.check()
                runtimes.give_up()  # what crun could not start runs
            container.check()
            return completed.code if completed.code >= 0 else 128 - completed.code

    def attach(self, spec: Spec, terminal: int, *, on_start: "Callable[[OciContainer], None]") -> None:
        """Run a container whose program has ``terminal`` (a file descriptor), until it ends, whatever its exit code.

        ``on_start`` is handed the container just before. Raises as ``run`` does.
        """
        with self.container(spec) as container:
            on_start(container)
            process.attach(container.argv, terminal)
            container.check()

    @contextlib.contextmanager
    def container(self, spec: Spec) -> "Iterator[OciContainer]":
        """A container to be run; it and its state are gone afterwards, whatever happened."""
        cgroups.expect()  # once more, for it may have taken longer to come here than the kernel remembers
        program = runtimes.chosen(terminal=spec.terminal)
        bundle = Path(tempfile.mkdtemp(dir=self.run_dir.in_memory, prefix=f"{self.run_dir.name}-"))
        name = bundle.name  # unique on this machine
        container = OciContainer(name, bundle, self.run_dir.path, program)
        try:
            config = runtime_spec.config(spec, cgroups.path(name))
            if program.name == "crun":
                config |= runtime_spec.compiled_filter(config)
            (bundle / "config.json").write_text(json.dumps(config))
            yield container
        finally:
            container.remove()
            shutil.rmtree(bundle, ignore_errors=True)


@dataclass
class OciContainer:
    """One container: runc's state is in ``places``, gone when it ended by itself."""

    name: str
    bundle: Path
    places: Path
    program: Program

    @property
    def argv(self) -> list[str]:
        """The command that runs it to its end, and that dies with the engine."""
        log = ("--log-format", "json", "--log", str(self._log))
        return [*_MORTAL, *self._command, *log, "run", "--bundle", str(self.bundle), self.name]

    @property
    def pid(self) -> int:
        """The number of its first process on this machine, as the runtime wrote it down; 0 while there is none."""
        try:
            state = json.loads((self._root / self.name / self.program.state).read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return 0
        return int(state[self.program.pid])

    def signal(self, number: int) -> bool:
        """Send a signal to its first process; whether there was one."""
        return process.run_regardless([*self._command, "kill", self.name, str(number)]).code == 0

    def runs(self) -> bool:
        """Whether it has been made and its program started; it may have ended since."""
        state = process.run_regardless([*self._command, "state", self.name]).stdout
        return bool(state) and json.loads(state)["status"] not in ("creating", "created")

    def execute(self, args: Sequence[str], spec: Spec, *, timeout: float, on_output: OnOutput) -> int:
        """Run one more program inside, with the user and variables of ``spec``; its exit code.

        It is -1 after ``timeout`` seconds, when the program is killed, and when the container has ended meanwhile.
        """
        number = self.bundle / "exec.pid"
        try:
            number.unlink(missing_ok=True)
            told = ("--pid-file", str(number), "--process", str(self._process(args, spec)))
            argv = [*self._command, "exec", *told, self.name]
            with standard_input.piped(b"") as end:
                return process.run(argv, stdin=end, check=False, timeout=timeout, on_output=on_output).code
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
        """Raise UserError if the runtime itself, not the program, had something to complain about."""
        if errors := self._errors():
            raise UserError(f"the container cannot be started: {errors[-1]}")

    def instead(self) -> bool:
        """Have runc run it where crun could not start it; whether that is so.

        What runc cannot start either it tells in the words that are known of a Dagger engine.
        """
        if self.program.name == "runc" or not self.complains():
            return False
        self.remove()
        self._log.unlink()
        self.program = runtimes.named("runc")
        return True

    def complains(self) -> bool:
        """Whether the runtime, so far, had something to complain about."""
        return bool(self._errors())

    def _errors(self) -> list[str]:
        if not self._log.exists():
            return []
        entries = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [entry["msg"] for entry in entries if entry.get("level") in ("error", "fatal")]

    def remove(self) -> None:
        """End what is left of it: processes, control groups, state."""
        if (self._root / self.name).exists():
            process.run_regardless([*self._command, "delete", "--force", self.name])
            cgroups.end(self.name)  # a runtime that was killed while it made them has not written down that it did

    @property
    def _command(self) -> tuple[str, ...]:
        return (self.program.path, *self.program.options, "--root", str(self._root))

    @property
    def _root(self) -> Path:
        """crun keeps a copy of the configuration, variables and all, so its is where the bundle is, in memory."""
        return self.bundle / "crun" if self.program.name == "crun" else self.places / "runc"

    @property
    def _log(self) -> Path:
        return self.bundle / "runtime.log"


@dataclass
class _Words:
    """Passes on what a container's program says, and not what crun says of itself; ``heard`` once there was any.

    crun has its complaint in its log a moment after it was heard, and a program has its number until it has ended: what
    is heard with neither is kept until more is known, at the latest when crun has ended.
    """

    container: OciContainer
    on_output: OnOutput
    heard: bool = False
    _kept: list[bytes] = field(default_factory=list)

    def hear(self, stream: int, data: bytes) -> None:
        if self.heard or self.container.program.name != "crun" or stream != STDERR:
            self.end()
            self._tell(stream, data)
            return
        self._kept.append(data)
        if self.container.pid:
            self.end()

    def end(self) -> None:
        """Pass on what was kept, unless it is crun's."""
        kept, self._kept = self._kept, []
        if kept and not self.container.complains():
            self._tell(STDERR, b"".join(kept))

    def _tell(self, stream: int, data: bytes) -> None:
        self.heard = True
        self.on_output(stream, data)


def rehearse() -> None:
    """Have at hand what an ordinary container takes by crun: for a process whose forks run them."""
    with contextlib.suppress(HostError):  # whoever runs one is told
        if runtimes.wanted()[0] == "crun":
            runtime_spec.compiled_filter(runtime_spec.config(Spec(Path("/"), (), {}, ""), ""))


def init_program() -> str:
    """The static init that containers get as process 1. Raises HostError when none is installed."""
    for path in _INITS:
        if Path(path).exists():
            return path
    raise HostError("no static init is installed (/usr/bin/tini-static); apt-get install tini")


def remove_abandoned(run_dir: RunDir) -> None:
    """End the containers that a dead process left in its directory."""
    for state in (run_dir.path / "runc").glob("*"):
        with contextlib.suppress(HostError):  # it was uninstalled
            OciContainer(state.name, run_dir.path, run_dir.path, runtimes.named("runc")).remove()
    cgroups.end(f"{run_dir.name}-*")  # crun's state is gone with the process's memory
