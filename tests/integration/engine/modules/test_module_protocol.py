"""A module registered and called by the SDK's own protocol, in processes of its own."""

import asyncio
import contextlib
import json
import os
import select
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.api import server
from baselard.engine.api.objects.typedef import Module
from baselard.engine.errors import FunctionError, ModuleError, UserError
from baselard.engine.host.caller import Caller
from baselard.engine.modules import registration, running, warm
from baselard.engine.modules.invoke import Invoker
from baselard.engine.modules.running import Runner
from baselard.engine.modules.source import load
from baselard.engine.modules.warm import Warm
from baselard.engine.progress import spans
from baselard.engine.progress.spans import Span
from baselard.engine.store.database import Store

pytestmark = pytest.mark.anyio

CODE = '''
"""Says hello."""
import asyncio
import enum
import json
import os
from typing import Annotated, Self

import dagger
from dagger.mod._exceptions import FunctionError
from opentelemetry import trace
from dagger import DefaultPath, Doc, Ignore, check, dag, enum_type, field, function, object_type
from dagger.mod._exceptions import FunctionError as Misused


@enum_type
class Level(enum.Enum):
    """How loud."""

    LOW = "low"
    """Quiet."""
    HIGH = "high"


@object_type
class Person:
    name: str = field()

    @function
    def greet(self, other: str) -> str:
        return f"{self.name} greets {other}"


@object_type
class Hello:
    greeting: str = field(default="Hello")
    count: int = field(default=0, init=False)

    @function
    def say(self, name: Annotated[str, Doc("whom")], level: Level = Level.LOW) -> str:
        """Say hello."""
        print("said")
        return f"{self.greeting}, {name}" + ("!" if level is Level.HIGH else ".")

    @function(cache="never")
    async def people(self, names: list[str], hint: str | None = None) -> list[Person]:
        return [Person(name=name) for name in names]

    @function
    @check
    async def version(self) -> str:
        return await dag.version()

    @function
    def more(self, src: Annotated[dagger.Directory, DefaultPath("."), Ignore(["*.log"])]) -> Self:
        self.count += 1
        return self

    @function
    def fail(self) -> None:
        raise ValueError("no good")

    @function
    def misused(self) -> None:
        raise Misused("there is no such name", extra={"exit_code": 2})

    @function
    def chained(self) -> None:
        try:
            json.loads("{")
        except ValueError as error:
            raise RuntimeError("cannot read it") from error

    @function
    async def grouped(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.refused())

    @function
    async def explained(self) -> None:
        try:
            await self.grouped()
        except ExceptionGroup as error:
            raise FunctionError("my own words") from error

    @function
    async def refused(self) -> str:
        return await dag.container().stdout()

    @function
    async def mistyped(self) -> str:
        return await dag.container().with_exec("no list").stdout()

    @function
    async def traced(self) -> str:
        with trace.get_tracer("hello").start_as_current_span("greeting", attributes={"test.suite.name": "x"}):
            return await dag.version()

    @function
    async def crowd(self, size: int) -> int:
        return len(await asyncio.gather(*(dag.version() for _ in range(size))))

    @function
    def die(self) -> None:
        os._exit(7)

    @function
    async def sleep(self) -> None:
        os.write(1, b"%d %d" % (os.getpid(), os.getppid()))
        await asyncio.sleep(60)

    @function
    def whoami(self) -> str:
        return f"{os.getpid()} {os.getppid()}"
'''


@dataclass
class Silent:
    lines: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def started(self, key: str, label: str) -> None: ...
    def output(self, key: str, stream: int, data: bytes) -> None: ...
    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None: ...
    def span(self, span: Span) -> None:
        self.spans.append(span)


def write_module(root: Path, code: str = CODE) -> Path:
    package = root / "src" / "hello"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(code)
    (root / "dagger.json").write_text(json.dumps({"name": "hello", "sdk": "python"}))
    (root / "pyproject.toml").write_text('[project]\nname = "hello"\ndependencies = ["dagger-io"]\n')
    return root


@contextlib.contextmanager
def started(root: Path, said: list[bytes]) -> Iterator[Runner]:
    import sys

    runner = running.start(load(root), Path(sys.executable), Caller(home="/"), said.append)
    try:
        yield runner
    finally:
        runner.close()


@dataclass
class Called:
    invoker: Invoker
    said: list[bytes]
    spans: list[Span]

    async def __call__(self, function: str, state: Any, **args: Any) -> Any:
        return await self.invoker.call("Hello", function, state, args)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_module(tmp_path_factory.mktemp("module"))


@contextlib.contextmanager
def imported_ahead(root: Path) -> Iterator[None]:
    """Have the module imported as a resident engine has it, by a process that runners are borrowed from."""
    import sys

    running.start_warm(load(root), Path(sys.executable), Caller(home="/"), root.with_name("bytecode"))
    try:
        yield
    finally:
        held = warm._held.pop()
        held.channel.close()
        held.child.wait()


@pytest.fixture(scope="module")
def ahead(root: Path) -> Iterator[Warm]:
    with imported_ahead(root):
        held = warm._held.pop()
        yield held
        warm.hold(held)


@contextlib.contextmanager
def held(known: Warm) -> Iterator[None]:
    warm.hold(known)
    try:
        yield
    finally:
        warm._held.remove(known)


@pytest.fixture(params=["own", "borrowed"])
async def call(request: pytest.FixtureRequest, root: Path, ahead: Warm, tmp_path: Path) -> AsyncIterator[Called]:
    said: list[bytes] = []
    borrowing = held(ahead) if request.param == "borrowed" else contextlib.nullcontext()
    with borrowing, started(root, said) as runner, contextlib.closing(Store.open(tmp_path)) as store:
        shown = Silent()
        assert (runner.child is None) == (request.param == "borrowed")
        session = registration.session(store, shown)
        async with server.running(session) as (port, _):
            opened = lambda frame: registration.entered(session, port, frame)  # noqa: E731
            yield Called(Invoker(runner, opened, session.state.ids.load, said.append, shown.span), said, shown.spans)


async def test_a_module_s_spans_hang_below_its_call_and_above_its_queries(call: Called, monkeypatch) -> None:
    """By the SDK's own tracer and by the header that its transport sends along."""
    askers = []
    monkeypatch.setattr(spans, "asked_by", askers.append)
    await call("traced", {})
    outer, inner, inner_end, outer_end = call.spans
    assert (outer.name, inner.name, inner.attributes) == ("traced", "greeting", {"test.suite.name": "x"})
    assert (inner.parent, inner.trace) == (outer.id, outer.trace)
    assert [span.id for span in (inner_end, outer_end)] == [inner.id, outer.id]
    assert inner.end == outer.end == 0 and outer_end.end >= inner_end.end >= inner.start
    assert inner.asker.traceparent in askers and outer.asker.traceparent in askers


async def test_what_the_sdk_asks_of_every_call_is_one_query(call: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the schema, of 360 KB, is fetched for the first call alone."""
    asked: list[str] = []
    reply = server.replies.reply

    async def counting(context: Any, query: str, *rest: Any) -> bytes:
        asked.append(" ".join(query.split()))
        return await reply(context, query, *rest)

    await call("version", {"greeting": "", "count": 0})
    monkeypatch.setattr(server.replies, "reply", counting)
    assert await call("say", {"greeting": "Hi", "count": 0}, name="you", level="HIGH") == "Hi, you!"
    about, returned = asked
    assert about == "{ currentFunctionCall { parentName name parent inputArgs { id name value } } }"
    assert returned.startswith("{ currentFunctionCall { returnValue")


async def test_an_engine_with_another_api_is_asked_for_its_schema(
    call: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runner that engines share may have learned the schema of another one."""
    asked: list[str] = []
    reply = server.replies.reply

    async def counting(context: Any, query: str, *rest: Any) -> bytes:
        asked.append(query)
        return await reply(context, query, *rest)

    await call("version", {"greeting": "", "count": 0})
    monkeypatch.setattr(server.replies, "reply", counting)
    monkeypatch.setitem(vars(running.served.core()), "digest", "another")
    assert await call("version", {"greeting": "", "count": 0}) == "v0.21.11"
    assert sum("__schema" in query for query in asked) == 1


async def test_many_queries_at_once_are_all_answered(call: Called) -> None:
    """More than there are connections for."""
    assert await call("crowd", {"greeting": "", "count": 0}, size=250) == 250


async def test_an_engine_that_hung_up_is_reached_again(call: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was used before is closed by the other side, as any server may do."""
    send = server._Connection._send

    async def once(self: Any, *args: Any) -> None:
        await send(self, *args)
        self.writer.close()

    monkeypatch.setattr(server._Connection, "_send", once)
    assert await call("crowd", {"greeting": "", "count": 0}, size=3) == 3


async def test_a_failed_call_is_a_failed_span(call: Called) -> None:
    with pytest.raises(FunctionError):
        await call("fail", {})
    (end,) = [span for span in call.spans if span.name == "fail" and span.end]
    assert end.failed and "no good" in end.error


async def test_registration_says_all_the_module_declares(root: Path, tmp_path: Path) -> None:
    with started(root, []) as runner:
        module: Module = await registration.register(runner, Silent(), lambda _: None)
    assert (module.name, module.description) == ("hello", "Says hello.")
    functions = {function.name: function for function in module.main.functions}
    say = functions["say"]
    assert (say.description, [arg.name for arg in say.args]) == ("Say hello.", ["name", "level"])
    assert (say.args[0].description, say.args[1].default_value) == ("whom", '"LOW"')
    assert functions["people"].return_type.element and functions["people"].return_type.element.name == "Person"
    assert functions["people"].args[1].type_def.optional
    assert (functions["people"].cache_policy, say.cache_policy) == ("Never", "Default")
    assert functions["version"].check and not say.check
    more = functions["more"].args[0]
    assert (more.default_path, more.ignore, more.required) == (".", ("*.log",), False)
    assert functions["more"].return_type.name == "Hello"
    assert [member.name for member in module.enums[0].members] == ["LOW", "HIGH"]
    assert module.enums[0].members[0].description == "Quiet."
    assert module.main.constructor and module.main.constructor.args[0].default_value == '"Hello"'


async def test_constructor_state_and_functions(call: Called) -> None:
    state = await call("", {}, greeting="Hi")
    assert state == {"greeting": "Hi", "count": 0}
    assert await call("say", state, name="you", level="HIGH") == "Hi, you!"
    assert b"".join(call.said) == b"said\n"


async def test_objects_come_back_as_their_state(call: Called) -> None:
    people = await call("people", {"greeting": "", "count": 0}, names=["a", "b"])
    assert people == [{"name": "a"}, {"name": "b"}]
    assert await call.invoker.call("Person", "greet", people[1], {"other": "a"}) == "b greets a"


async def test_a_function_calls_back_into_the_session(call: Called) -> None:
    assert await call("version", {"greeting": "", "count": 0}) == "v0.21.11"


async def test_every_invocation_is_a_fork_of_one_process(call: Called) -> None:
    state = {"greeting": "", "count": 0}
    first, second = [(await call("whoami", state)).split() for _ in range(2)]
    assert first[0] != second[0]
    assert first[1] == second[1]
    assert call.invoker.runner.child is None or first[1] == str(call.invoker.runner.child.pid)


async def test_a_function_can_say_that_it_was_called_wrongly(call: Called) -> None:
    with pytest.raises(UserError, match=r"^there is no such name$"):
        await call("misused", {"greeting": "", "count": 0})


async def test_a_failure_is_the_message_the_function_gave(call: Called) -> None:
    with pytest.raises(FunctionError, match=r"^no good$"):
        await call("fail", {"greeting": "", "count": 0})


@pytest.mark.parametrize(
    ("function", "lines"),
    [
        ("fail", ['raise ValueError("no good")', "ValueError: no good"]),
        ("chained", ['json.loads("{")', "direct cause", "RuntimeError: cannot read it"]),
        ("refused", ["dag.container().stdout()", "QueryError: no command has been set"]),
    ],
)
async def test_a_failure_is_told_with_the_modules_own_frames(call: Called, function: str, lines: list[str]) -> None:
    with pytest.raises(FunctionError):
        await call(function, {"greeting": "", "count": 0})
    said = b"".join(call.said).decode()
    assert all(line in said for line in lines), said
    frames = [line.split('"')[1] for line in said.splitlines() if line.startswith("  File ")]
    assert frames and all(path.endswith("src/hello/__init__.py") for path in frames)


async def test_a_failure_in_a_task_group_is_still_told(call: Called) -> None:
    with pytest.raises(FunctionError, match=r"no command has been set"):
        await call("grouped", {"greeting": "", "count": 0})
    with pytest.raises(FunctionError, match=r"my own words"):
        await call("explained", {"greeting": "", "count": 0})


async def test_the_sdk_checks_arguments_as_ever(call: Called) -> None:
    with pytest.raises(FunctionError, match=r"with_exec\(\) parameter args='no list' violates type hint"):
        await call("mistyped", {"greeting": "", "count": 0})


async def test_a_function_that_ends_the_process_is_no_riddle(call: Called) -> None:
    with pytest.raises(FunctionError, match="die: the module's process ended with exit code 7"):
        await call("die", {"greeting": "", "count": 0})
    assert await call("say", {"greeting": "Still", "count": 0}, name="here") == "Still, here."


async def test_invocations_run_side_by_side(call: Called) -> None:
    import anyio

    answers: list[str] = []

    async def one(number: int) -> None:
        answers.append(await call("say", {"greeting": "Hi", "count": 0}, name=str(number)))

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(one, number)
    assert sorted(answers) == [f"Hi, {number}." for number in range(5)]


async def test_a_module_that_cannot_be_imported_shows_its_own_frames(tmp_path: Path) -> None:
    broken = write_module(tmp_path / "broken", "import nothing_of_that_name\n")
    with started(broken, []) as runner, pytest.raises(ModuleError) as raised:
        await registration.register(runner, Silent(), lambda _: None)
    message = str(raised.value)
    assert "No module named 'nothing_of_that_name'" in message
    assert "src/hello/__init__.py" in message
    assert "runner.py" not in message and "importlib" not in message


async def test_a_module_of_one_file_is_not_what_python_has_of_its_name(tmp_path: Path) -> None:
    """``test``: Python brings a package of this name, which the images that Dagger runs modules in are without."""
    alone = write_module(tmp_path / "alone", CODE)
    (alone / "dagger.json").write_text('{"name": "test", "engineVersion": "v0.21.8", "sdk": "python"}')
    (alone / "pyproject.toml").unlink()
    (alone / "src/hello/__init__.py").rename(alone / "src/main.py")
    (alone / "src/main.py").write_text(CODE.replace("class Hello", "class Test"))
    with started(alone, []) as runner:
        module = await registration.register(runner, Silent(), lambda _: None)
    assert "Test" in [one.name for one in module.objects]


async def test_a_module_that_python_cannot_read_shows_the_line(tmp_path: Path) -> None:
    broken = write_module(tmp_path / "broken", "def say(:\n    pass\n")
    with started(broken, []) as runner, pytest.raises(ModuleError) as raised:
        await registration.register(runner, Silent(), lambda _: None)
    assert 'src/hello/__init__.py", line 1\n    def say(:\n' in str(raised.value)
    assert str(raised.value).count("File ") == 1


async def test_closing_leaves_no_process(root: Path) -> None:
    with started(root, []) as runner:
        group = runner.child.pid
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


async def test_what_was_begun_for_one_engine_ends_with_it(root: Path, tmp_path: Path) -> None:
    """And with nothing else: the process that has imported the module serves the next one, until it dies itself."""
    with imported_ahead(root), contextlib.closing(Store.open(tmp_path)) as store:
        session = registration.session(store, Silent())
        async with server.running(session) as (port, _):
            opened = lambda frame: registration.entered(session, port, frame)  # noqa: E731
            said: asyncio.Queue[bytes] = asyncio.Queue()
            parents = set()
            for _ in range(2):
                with started(root, []) as runner:
                    invoker = Invoker(runner, opened, session.state.ids.load, said.put_nowait, Silent().span)
                    asleep = asyncio.create_task(invoker.call("Hello", "sleep", {}, {}))
                    number, parent = (await said.get()).split()
                    parents.add(int(parent))
                    process = os.pidfd_open(int(number))
                assert select.select([process], [], [], 10)[0]
                os.close(process)
                asleep.cancel()
        (borrowed,) = parents
        os.kill(borrowed, signal.SIGKILL)
        assert warm._held[-1].child.wait() == -signal.SIGKILL
        with started(root, []) as runner:
            assert runner.child


async def test_other_content_is_not_borrowed(tmp_path: Path) -> None:
    root = write_module(tmp_path / "changing")
    with imported_ahead(root):
        (root / "src/hello/__init__.py").write_text(CODE.replace("Says hello.", "Says more."))
        with started(root, []) as runner:
            assert runner.child


async def test_wrong_declarations_are_errors_of_the_module(tmp_path: Path) -> None:
    code = CODE.replace("def say(self, name: Annotated[str", "def say(self, name: Annotated[dict[str, str]")
    wrong = write_module(tmp_path / "wrong", code)
    with (
        started(wrong, []) as runner,
        pytest.raises(ModuleError, match=r"declares what cannot be: .*unsupported parameter type for 'name'"),
    ):
        await registration.register(runner, Silent(), lambda _: None)
