"""The resident engine gives a call all that its process would have had. The judge is the same call without an engine.

A stand-in for the command line tells what it finds; both processes import it, as ``sitecustomize``.
"""

import contextlib
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselard.resident import client
from baselard.resident.server import Server
from bench import user

CHECKOUT = Path(__file__).resolve().parents[3]

STAND_IN = """
import fcntl, json, os, resource, signal, struct, sys, termios, threading, time
from baselard.cli import entry
from baselard.cli import resident
from baselard.resident import alone, becoming


def tell(*names):
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\\0" * 8) if os.isatty(0) else b""
    return {
        "cwd": os.getcwd(), "environ": dict(os.environ), "umask": os.umask(0), "argv": sys.argv[1:],
        "ids": [os.getresuid(), os.getresgid(), os.getgroups()], "nice": os.nice(0),
        "files": {n: os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                  if os.path.exists(f"/proc/self/fd/{n}") and os.get_inheritable(int(n))},
        "limits": resource.getrlimit(resource.RLIMIT_NOFILE), "tty": [os.isatty(n) for n in range(3)],
        "size": struct.unpack("4H", size) if size else None, "stdin": "" if os.isatty(0) else sys.stdin.read(),
        "ignored": [int(n) for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN],
        "threads": threading.active_count(), "zone": time.tzname, "forked": os.getpid() if names else 0,
    }


def run(argv):
    from baselard.cli import main, streams
    streams.prepare()
    def work(argv):
        match argv[1:]:
            case ["tell"]:
                print(json.dumps(tell(), sort_keys=True))
            case ["exit", code]:
                sys.stderr.write("says\\n")
                return int(code)
            case ["raise"]:
                raise ValueError("unforeseen")
            case ["killed", number]:
                os.kill(os.getpid(), int(number))
            case ["wait"]:
                signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"first\\n"))
                signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b"resized\\n"))
                os.write(1, b"%d\\n" % os.getpid())
                time.sleep(60)
            case ["learnt"]:
                print(*(told.decode() for told in learnt))
            case ["alone"]:
                alone.require()
                print("in the very process", os.getsid(0) == int(os.environ["SESSION"]))
            case ["late"]:
                threading.Thread(target=lambda: (time.sleep(0.2), print("late"))).start()
            case ["many"]:
                sys.stdout.write("x" * (8 << 20))
        return 0
    return main.guarded(work, [word for word in argv if word != "--no-daemon"])


entry.run = run
learnt = []
resident.prepare = lambda: becoming.Prepared(run, lambda: b"|".join([*learnt, b"%d" % os.getpid()]), learnt.append)
"""


REAL = "import sys; from baselard.cli import main; sys.exit(main.main(sys.argv[1:]))"


class Machine:
    """A place for engines, and the command line run with or without them."""

    def __init__(self, root: Path, **more: str) -> None:
        self.root = root
        kept = {name: value for name, value in os.environ.items() if name not in (client.VARIABLE, "CI")}
        self.environ = {**kept, "PYTHONPATH": str(root), "BASELARD_RUN": str(root / "run"), **more}
        (root / "sitecustomize.py").write_text(STAND_IN)

    def argv(self, *words: str, engine: bool = True) -> list[str]:
        return [sys.executable, "-m", "baselard.cli", *(() if engine else ("--no-daemon",)), "call", *words]

    def run(self, *words: str, engine: bool = True, before: tuple[str, ...] = (), **more: Any):
        given: Any = {"env": self.environ, "input": b"", "cwd": self.root, **more}
        return subprocess.run([*before, *self.argv(*words, engine=engine)], capture_output=True, check=False, **given)

    def baselard(self, *words: str):
        """The real command line."""
        argv = [sys.executable, "-c", REAL, *words]
        return subprocess.run(argv, env=self.environ, capture_output=True, check=True)

    @contextlib.contextmanager
    def start(self, *words: str, **more: Any) -> "Iterator[subprocess.Popen[bytes]]":
        streams: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **more}
        with subprocess.Popen(self.argv(*words), env=self.environ, **streams) as call:
            try:
                yield call
            finally:
                call.kill()

    def engines(self) -> list[int]:
        """The processes of this machine's engines, as procps knows them."""
        found = subprocess.run(
            ["pgrep", "-f", f"cli.resident {self.root}"], capture_output=True, text=True, check=False
        )
        return [number for number in map(int, found.stdout.split()) if _leads(number)]

    def stop(self) -> None:
        for number in self.engines():
            os.kill(number, signal.SIGKILL)


def _leads(number: int) -> bool:
    """Whether a process leads a session, as no fork does; one that ended meanwhile leads none."""
    with contextlib.suppress(ProcessLookupError):
        return os.getsid(number) == number
    return False


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """One for tests that leave its engine as it is; its name is short, as those of sockets must be."""
    with _machine() as made:
        yield made


@pytest.fixture
def other() -> Iterator[Machine]:
    """One for tests that end its engine."""
    with _machine() as made:
        yield made


@contextlib.contextmanager
def _machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="res-") as root:
        made = Machine(Path(root))
        yield made
        made.stop()


def _told(done: "subprocess.CompletedProcess[bytes]") -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _alike(machine: Machine, *words: str, **more: Any) -> "subprocess.CompletedProcess[bytes]":
    """The call by an engine, which did and wrote what it does without one."""
    with_one = machine.run(*words, **more)
    without = machine.run(*words, engine=False, **more)
    if words != ("tell",):
        assert (with_one.returncode, with_one.stdout, with_one.stderr) == (
            *(without.returncode, without.stdout, without.stderr),
        )
    return with_one


def test_a_call_is_a_fork_of_the_engine(machine: Machine) -> None:
    with machine.start("wait") as call:
        assert call.stdout
        number = int(call.stdout.readline())
        parent = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1]
        assert machine.engines() == [int(parent)]
        assert number != call.pid
        call.send_signal(signal.SIGTERM)
        call.wait()


@pytest.mark.parametrize("code", ["0", "1", "2", "3", "130"])
def test_exit_codes_and_messages_are_the_calls(machine: Machine, code: str) -> None:
    assert _alike(machine, "exit", code).returncode == int(code)


def test_a_bug_is_told_as_ever(machine: Machine) -> None:
    with_one, without = machine.run("raise"), machine.run("raise", engine=False)
    assert with_one.returncode == without.returncode == 3
    first = [text.splitlines()[0] for text in (with_one.stderr, without.stderr)]
    assert first == [b"baselard: a bug in Baselard: ValueError: unforeseen"] * 2 or first[0] == first[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_call_that_a_signal_ends_ends_by_it(machine: Machine, number: int) -> None:
    assert _alike(machine, "killed", str(int(number))).returncode == -number


def test_what_threads_write_in_the_end_and_much_of_it_arrives(machine: Machine) -> None:
    assert _alike(machine, "late").stdout == b"late\n"
    assert len(_alike(machine, "many").stdout) == 8 << 20


def test_streams_variables_and_places_are_the_clients(machine: Machine, tmp_path: Path) -> None:
    extra = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "deep").mkdir()
    more: dict[str, Any] = {
        "input": b"typed",
        "cwd": tmp_path / "deep",
        "pass_fds": [extra],
        "env": {**machine.environ, "TZ": "Asia/Tokyo", "NEW": "ü \udcff", "EMPTY": ""},
        "preexec_fn": lambda: (os.umask(0o27), signal.signal(signal.SIGINT, signal.SIG_IGN)),
    }
    with_one, without = (_told(machine.run("tell", engine=engine, **more)) for engine in (True, False))
    del without["argv"], with_one["argv"]
    for told in (with_one, without):
        told["files"] = {int(n): place for n, place in told["files"].items() if "pipe:" not in place}
    assert with_one == without
    assert with_one["stdin"] == "typed"
    assert with_one["files"][extra] == str(tmp_path)
    assert (with_one["umask"], with_one["zone"][0], signal.SIGINT in with_one["ignored"]) == (0o27, "JST", True)


def test_more_descriptors_than_fit_into_a_message_need_no_engine(machine: Machine, tmp_path: Path) -> None:
    many = [os.open(tmp_path, os.O_RDONLY) for _ in range(220)]
    assert len(_told(machine.run("tell", pass_fds=many))["files"]) == 223
    for one in many:
        os.close(one)


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_stays_closed(machine: Machine, closed: int) -> None:
    _alike(machine, "exit", "0", preexec_fn=lambda: os.close(closed))


@pytest.mark.parametrize(
    "before",
    [("nice", "-n", "3"), ("prlimit", "--nofile=300:300"), ("env", "LC_ALL=C"), ("env", "MALLOC_ARENA_MAX=1")],
    ids=["niceness", "limits", "locale", "library"],
)
def test_another_kind_of_process_has_another_engine(other: Machine, before: tuple[str, ...]) -> None:
    """Judge: coreutils and util-linux, which change the process before it begins."""
    other.run("exit", "0")
    usual = other.engines()
    with_one, without = (_told(other.run("tell", engine=engine, before=before)) for engine in (True, False))
    assert [with_one[name] for name in ("nice", "limits")] == [without[name] for name in ("nice", "limits")]
    assert len(other.engines()) == 2
    assert {*usual} < {*other.engines()}


STRANGER = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
OTHERS = {
    "user": STRANGER,
    "group": ("setpriv", "--regid=65534", "--clear-groups"),
    "namespace": ("unshare", "--uts"),
}


@pytest.mark.root
@pytest.mark.parametrize("another", OTHERS)
def test_another_user_another_group_and_another_namespace_have_no_part_in_it(other: Machine, another: str) -> None:
    """Judge: setpriv and unshare of util-linux."""
    if another == "user" and (reason := user.closed()):
        pytest.skip(reason)
    other.run("exit", "0")
    before = other.engines()
    other.root.chmod(0o755)
    changed = OTHERS[another]
    with_one, without = (_told(other.run("tell", before=changed, engine=engine)) for engine in (True, False))
    assert with_one["ids"] == without["ids"]
    assert set(before) <= set(other.engines())


@pytest.mark.root
def test_a_stranger_does_not_reach_its_socket(other: Machine) -> None:
    """Judge: the kernel."""
    other.run("exit", "0")
    other.root.chmod(0o755)
    (place,) = (other.root / "run").glob("resident-0")
    (socket_path,) = (path for path in place.iterdir() if path.is_socket())
    assert (oct(place.stat().st_mode), oct(socket_path.stat().st_mode)) == ("0o40700", "0o140600")
    connects = f"import socket; socket.socket(socket.AF_UNIX).connect({str(socket_path)!r})"
    argv = [*STRANGER, os.path.realpath(sys.executable), "-c", connects]
    assert b"PermissionError" in subprocess.run(argv, capture_output=True, check=False).stderr


@pytest.mark.root
def test_a_sandbox_shares_nothing(other: Machine) -> None:
    other.run("exit", "3", before=("setpriv", "--no-new-privs"))
    assert other.engines() == []


@pytest.mark.parametrize("more", [{"CI": "true"}, {"BASELARD_NO_DAEMON": "1"}, {"BASELARD_ENGINE": "embedded"}])
def test_no_engine_stays_where_none_is_wanted(other: Machine, more: dict[str, str]) -> None:
    assert other.run("exit", "3", env={**other.environ, **more}).returncode == 3
    assert other.run("exit", "3", engine=False).returncode == 3
    assert other.engines() == []


def test_ctrl_c_ends_the_call_alone(machine: Machine) -> None:
    with machine.start("wait") as call:
        assert call.stdout
        fork = os.pidfd_open(int(call.stdout.readline()))
        call.send_signal(signal.SIGINT)
        assert call.wait() == 130
    assert select.select([fork], [], [], 30)[0]  # it has ended, a moment after it said how
    os.close(fork)
    assert len(machine.engines()) == 1


def test_signals_reach_the_call(machine: Machine) -> None:
    with machine.start("wait") as call:
        assert call.stdout
        call.stdout.readline()
        call.send_signal(signal.SIGUSR1)
        assert call.stdout.readline() == b"first\n"
        call.send_signal(signal.SIGWINCH)
        assert call.stdout.readline() == b"resized\n"
        call.terminate()
        assert call.wait() == -signal.SIGTERM


def test_a_stopped_call_stops_and_goes_on(machine: Machine) -> None:
    """Judge: the kernel's state of the call's process."""
    with machine.start("wait") as call:
        assert call.stdout
        number = int(call.stdout.readline())
        call.send_signal(signal.SIGTSTP)
        os.waitid(os.P_PID, call.pid, os.WSTOPPED)
        while _state(number) != "T":  # the kernel stops it when it is its turn
            os.sched_yield()
        call.send_signal(signal.SIGCONT)
        call.terminate()
        call.wait()
        assert not Path(f"/proc/{number}").exists()


def _state(number: int) -> str:
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_killed_client_takes_its_call_along(machine: Machine) -> None:
    with machine.start("wait") as call:
        assert call.stdout
        number = int(call.stdout.readline())
        process = os.pidfd_open(number)
        call.kill()
        assert select.select([process], [], [], 10)[0]
        os.close(process)


def test_what_a_call_tells_at_its_end_further_calls_know(other: Machine) -> None:
    """Here each tells its own number behind all that it knew; of one that was killed nothing is known."""
    assert other.run("learnt").stdout.split() == []
    (first,) = other.run("learnt").stdout.split()
    assert other.run("killed", "9").returncode == -9
    again, second = other.run("learnt").stdout.split()
    assert again == first
    assert second.startswith(first + b"|")


def test_a_call_survives_its_engine(other: Machine) -> None:
    with other.start("wait") as call:
        assert call.stdout
        call.stdout.readline()
        (engine,) = other.engines()
        os.kill(engine, signal.SIGKILL)
        call.send_signal(signal.SIGINT)
        assert call.wait() == 130
    assert other.run("exit", "4").returncode == 4
    assert engine not in other.engines()
    assert len(other.engines()) == 1


def test_a_call_that_dies_with_its_engine_says_so(other: Machine) -> None:
    with other.start("wait", stderr=subprocess.PIPE) as call:
        assert call.stdout
        assert call.stderr
        number = int(call.stdout.readline())
        for process in (*other.engines(), number):
            os.kill(process, signal.SIGKILL)
        assert call.wait() == 1
        assert call.stderr.read() == b"baselard: the resident engine was killed, and this call with it; run it again\n"


def test_an_engine_that_cannot_start_is_done_without(other: Machine) -> None:
    (other.root / "run").mkdir()
    (other.root / "run" / f"resident-{os.geteuid()}").write_text("no directory")
    assert _alike(other, "exit", "5").returncode == 5
    broken = {**other.environ, "PYTHONSTARTS": "no", "BASELARD_RUN": f"{other.root}/{'long' * 30}"}
    assert other.run("exit", "5", env=broken).returncode == 5


def test_a_directory_that_others_may_enter_is_not_used(other: Machine) -> None:
    place = other.root / "run" / f"resident-{os.geteuid()}"
    place.mkdir(parents=True)
    place.chmod(0o755)
    assert _alike(other, "exit", "5").returncode == 5
    assert other.engines() == []


def test_a_call_for_the_very_process_is_run_there(machine: Machine) -> None:
    done = machine.run("alone", env={**machine.environ, "SESSION": str(os.getsid(0))})
    assert done.stdout == b"in the very process True\n"


def test_the_terminal_is_the_clients(machine: Machine) -> None:
    def told(*, engine: bool) -> dict[str, Any]:
        ours, theirs = pty.openpty()
        os.set_blocking(ours, False)
        termios.tcsetwinsize(ours, (33, 77))
        streams: Any = {"stdin": theirs, "stdout": subprocess.PIPE, "stderr": theirs}
        done = subprocess.run(machine.argv("tell", engine=engine), env=machine.environ, check=True, **streams)
        os.close(theirs)
        os.close(ours)
        return json.loads(done.stdout)

    with_one, without = told(engine=True), told(engine=False)
    assert with_one["tty"] == without["tty"] == [True, False, True]
    assert with_one["size"] == without["size"] == [33, 77, 0, 0]


def test_stopping_lets_calls_end(other: Machine) -> None:
    assert other.baselard("stop").stdout == b"no resident engine runs\n"
    with other.start("wait") as call:
        assert call.stdout
        call.stdout.readline()
        (engine,) = other.engines()
        assert other.baselard("stop").stdout == b"process %d stops when its calls have ended\n" % engine
        assert other.run("exit", "6").returncode == 6
        process = os.pidfd_open(engine)
        call.send_signal(signal.SIGINT)
        assert call.wait() == 130
        assert select.select([process], [], [], 10)[0]
        os.close(process)
    (second,) = other.engines()
    assert other.baselard("stop").stdout == b"stopped process %d\n" % second
    assert other.engines() == []


def test_an_engine_holds_nothing_of_its_calls(machine: Machine, tmp_path: Path) -> None:
    """It keeps no pipe open that somebody reads to its end, no directory that is to be unmounted, and no file."""
    held = os.open(tmp_path, os.O_RDONLY)
    machine.run("exit", "0", cwd=tmp_path, pass_fds=[held])
    (engine,) = machine.engines()
    targets = [os.readlink(path) for path in (*Path(f"/proc/{engine}/fd").iterdir(), Path(f"/proc/{engine}/cwd"))]
    assert {target for target in targets if not target.startswith(("socket:", "anon_inode:"))} == {"/dev/null", "/"}
    assert Path(f"/proc/{engine}/task").stat().st_nlink == 3
    os.close(held)


def test_nobody_calls_and_it_ends() -> None:
    waking, woken = socket.socketpair()
    with tempfile.TemporaryDirectory(prefix="res-") as root, socket.socket(socket.AF_UNIX) as listener, waking, woken:
        listener.bind(f"{root}/socket")
        listener.listen()
        assert Server(f"{root}/socket", listener, waking, frozenset(), idle=0.01).serve() is None
        assert not Path(f"{root}/socket").exists()


def test_another_version_is_another_engine(other: Machine) -> None:
    """Judge: a copy of the code, which is changed while its engine runs."""
    for place in ("src/baselard", "pipeline"):
        shutil.copytree(CHECKOUT / place, other.root / place, ignore=shutil.ignore_patterns("__pycache__"))
    environ = {**other.environ, "PYTHONPATH": f"{other.root}/src:{other.root}"}
    assert other.run("exit", "0", env=environ).returncode == 0
    (first,) = other.engines()
    other.run("exit", "0", env=environ)
    assert other.engines() == [first]
    (other.root / "note").touch()  # which is no code
    other.run("exit", "0", env=environ)
    assert other.engines() == [first]
    for changed in ("src/baselard/cli/options.py", "pipeline/config/config.py"):
        (other.root / changed).write_bytes((other.root / changed).read_bytes() + b"\n")
        assert other.run("exit", "7", env=environ).returncode == 7
        (second,) = other.engines()
        assert second != first
        first = second
